import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { UsageError } from "../errors.ts";
import { nearestNames } from "../nearest.ts";
import { evaluationFailure } from "./nix-failure.ts";
import { quoteWords } from "../shell-quote.ts";
import { hostFlags, runNix } from "./run-nix.ts";
import type { MachineSource, NixOptions } from "./types.ts";

type FlakeSource = Extract<MachineSource, { kind: "flake" }>;

/** Given by flag, so that the user's own Nix configuration stays as it is. */
export const flakeFlags: readonly string[] = [
  "--extra-experimental-features",
  "nix-command flakes",
  "--no-write-lock-file",
];

/** `.#web`, `path:/srv/config#web`, `github:owner/repository`: not a path and not a machine's name. */
export function isFlakeReference(reference: string): boolean {
  return (
    reference.includes("#") ||
    /^(path|git|git\+\w+|github|gitlab|sourcehut|tarball|file|https?|flake):/.test(reference)
  );
}

/** The machine of a flake, by `nixosConfigurations`' name; without a name the only one. */
export async function findFlakeMachine(
  reference: string,
  options: NixOptions,
): Promise<FlakeSource> {
  const [flake = "", fragment = ""] = splitOnce(reference, "#");
  const machines = await listFlakeMachines(flake === "" ? "." : flake, options);
  const wanted = fragment
    .replace(/^nixosConfigurations\./, "")
    .replace(/^"(.*)"$/, "$1")
    .replace(/\.config\.system\.build\.(vm|toplevel)$/, "");
  const found =
    wanted === "" && machines.length === 1
      ? machines[0]
      : machines.find(({ name }) => name === wanted);
  if (found !== undefined) return found;
  const names = machines.map(({ name }) => name);
  const near = nearestNames(wanted, names);
  throw new UsageError(
    wanted === ""
      ? `which machine of the flake ${flake}?`
      : `the flake ${flake} has no machine «${wanted}»${near.length > 0 ? `; did you mean ${near.join(" or ")}?` : ""}`,
    { code: "MACHINE_NOT_FOUND", hint: `nixosConfigurations: ${names.join(", ") || "none"}` },
  );
}

/** The names in a flake's `nixosConfigurations`, none of them evaluated. */
export async function listFlakeMachines(
  reference: string,
  options: NixOptions,
): Promise<readonly FlakeSource[]> {
  const command = [
    "nix",
    "eval",
    "--json",
    `${reference}#nixosConfigurations`,
    "--apply",
    "builtins.attrNames",
    ...flakeFlags,
  ] as const;
  const { cwd, onProgress, signal } = options;
  const { succeeded, stdout, log } = await runNix(
    [...command, "--log-format", "internal-json", ...hostFlags()],
    {
      cwd,
      onProgress,
      signal,
    },
  );
  if (!succeeded) {
    if (log.errors.some(({ text }) => /does not provide attribute/.test(text))) return [];
    if (log.errors.some(({ text }) => isNotThere.test(text))) throw noFlake(reference, options);
    throw evaluationFailure(log, { machine: reference, cwd, repeat: quoteWords(command) });
  }
  return (JSON.parse(stdout) as string[]).map((name) => ({
    kind: "flake",
    name,
    reference,
    attribute: name,
  }));
}

/** What Nix says of a directory without a flake, and of no directory. */
const isNotThere =
  /could not find a flake\.nix|does not contain a '?\/?flake\.nix|'[^']*' does not exist|getting status of .*: No such file|is not (?:a|part of a) flake/;

function noFlake(reference: string, { cwd }: NixOptions): UsageError {
  const isTracked =
    "In a Git repository Nix sees files only once they were added: git add flake.nix";
  return new UsageError(`there is no flake in ${reference === "." ? cwd : reference}`, {
    code: "MACHINE_NOT_FOUND",
    hint: existsSync(resolve(cwd, reference.replace(/^path:/, ""), "flake.nix"))
      ? isTracked
      : "A machine that is no flake's is called by its name or its path; dryboot list shows those here.",
  });
}

function splitOnce(text: string, separator: string): [string, string?] {
  const at = text.indexOf(separator);
  return at < 0 ? [text] : [text.slice(0, at), text.slice(at + separator.length)];
}
