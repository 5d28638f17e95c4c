import { quoteCommand } from "../machine/shell.ts";
import type { Manifest, ManifestEtcFile } from "../nix/index.ts";
import {
  absentInVm,
  declaredBy,
  failed,
  passed,
  vmsOwn,
  type Check,
  type Judgement,
} from "./check.ts";

/** How a file below /etc compares with the closure's own. */
export type EtcState = "same" | "equal" | "missing" | "undeclared" | "different";

/**
 * The closure has every declared file in its own etc; that the closure is the right one is another check. The same
 * inode is the same content, and costs no process.
 */
export function etcQuestion({ etcFiles }: Manifest): string {
  if (etcFiles.length === 0) return "true";
  return `closure=/run/current-system/etc
equal() {
  if [ "$1" -ef "$2" ]; then return 0; fi
  if [ -d "$1" ] && [ -d "$2" ]; then
    for entry in "$2"/*; do
      [ ! -e "$entry" ] || equal "$1/\${entry##*/}" "$entry" || return 1
    done
    return 0
  fi
  [ -f "$1" ] && [ -f "$2" ] && [ "$(sha256sum < "$1")" = "$(sha256sum < "$2")" ]
}
# Links that dangle alike, to what only a running service makes.
dangling() {
  [ -L "$1" ] && [ -L "$2" ] && [ ! -e "$2" ] && [ "$(readlink -m -- "$1")" = "$(readlink -m -- "$2")" ]
}
for target in ${quoteCommand(etcFiles.map(({ target }) => target))}; do
  if [ "/etc/$target" -ef "$closure/$target" ] || dangling "/etc/$target" "$closure/$target"; then state=same
  elif [ ! -e "$closure/$target" ]; then state=undeclared
  elif [ ! -e "/etc/$target" ]; then state=missing
  elif equal "/etc/$target" "$closure/$target"; then state=equal
  else state=different; fi
  printf '%s %s\\n' "$state" "$target"
done`;
}

export function parseEtc(text: string): Map<string, EtcState> {
  return new Map(
    [...text.matchAll(/^(same|equal|missing|undeclared|different) (.+)$/gm)].map(
      ([, state, target = ""]) => [target, state as EtcState],
    ),
  );
}

export function etcChecks({ etcFiles }: Manifest): Check[] {
  return etcFiles.map((file) => ({
    name: "etc-file",
    subject: `/etc/${file.target}`,
    ...declaredBy(file),
    judge: ({ facts }) =>
      file.replaced === null ? absentInVm : judgeFile(file, facts.etc.get(file.target)),
  }));
}

function judgeFile(file: ManifestEtcFile, state: EtcState | undefined): Judgement {
  switch (state) {
    case "same":
      return passed(`is ${file.content}${vmsOwn(file)}`);
    case "equal":
      return passed(`has the content of ${file.content}${vmsOwn(file)}`);
    case "missing":
      return failed("is not there");
    case "undeclared":
      return failed("is not in the closure");
    case "different":
      return failed(`is something else than ${file.content}`);
    case undefined:
      return failed("could not be looked at");
  }
}
