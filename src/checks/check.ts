import type { Declaration, Promised } from "../nix/index.ts";
import type { Look } from "./look.ts";

/** Every kind of check, by the name that the configuration file and `--json` use; what it says of its subject. */
export const checkNames = {
  "system-closure": "is the closure that was built",
  "default-target": "is reached",
  "boot-time": "is within its budget, where it has one",
  "closure-size": "is within its budget",
  "unit-failed": "has no failed unit",
  "unit-stuck": "has no unit that is still starting",
  "unit-active": "is active",
  "timer-scheduled": "will elapse",
  "socket-listening": "is listened on",
  "port-open": "has a listener",
  "port-undeclared": "are all declared",
  "user-account": "is as declared",
  "group-account": "is as declared",
  "authorized-keys": "are accepted",
  "file-system": "is mounted as declared",
  sysctl: "has its value",
  "kernel-module": "is loaded",
  "etc-file": "has its content",
  "virtual-host": "answers",
  certificate: "is valid",
  "journal-errors": "has no error of a unit",
  "second-activation": "changes nothing",
} as const;

export type CheckName = keyof typeof checkNames;

export type CheckStatus = "passed" | "failed" | "warning" | "skipped" | "waived";

/** What one check came to. */
export interface CheckResult {
  readonly name: CheckName | "waiver";
  /** What it was checked of: `nginx.service`, `tcp port 80`. */
  readonly subject: string;
  /** The option that the check comes from: `services.nginx`. */
  readonly source: string;
  /** The file that set that option, where that is known. */
  readonly file?: string;
  readonly status: CheckStatus;
  /** The end of a sentence that begins with the subject. */
  readonly detail: string;
  /** Lines of the guest that show why: a unit's status and journal. Not cleaned of escape sequences. */
  readonly evidence?: readonly string[];
  /** Nothing that the machine's own files asked for: NixOS brought it by itself. */
  readonly builtIn?: boolean;
}

/** What a look at the guest says about the subject of a check. */
export type Judgement = Pick<CheckResult, "status" | "detail" | "evidence">;

/** An outcome about one of many things that a check watches over. */
export type Finding = Judgement & Pick<CheckResult, "subject">;

/** An assertion that the configuration implies, before any guest was looked at. */
export interface Check extends Pick<CheckResult, "subject" | "source" | "file" | "builtIn"> {
  readonly name: CheckName;
  /** Subjects that only a guest can bring up. */
  readonly finds?: RegExp;
  /** Findings take the place of the check itself. */
  judge(look: Look): Judgement | readonly Finding[];
}

/** Whether nothing failed; warnings, skipped and waived checks hold. */
export function allHeld(results: readonly CheckResult[]): boolean {
  return results.every((result) => result.status !== "failed");
}

/** The part of a check that says where it comes from. */
export function declaredBy({
  source,
  file,
  fromConfiguration,
}: Declaration): Pick<Check, "source" | "file" | "builtIn"> {
  return {
    source,
    ...(file === null ? {} : { file }),
    ...(fromConfiguration ? {} : { builtIn: true }),
  };
}

export function passed(detail: string): Judgement {
  return { status: "passed", detail };
}

export function failed(detail: string): Judgement {
  return { status: "failed", detail };
}

/** What the machine itself asks for has to hold; what NixOS asks for by itself need not hold in a QEMU. */
export function broken({ fromConfiguration }: Declaration, detail: string): Judgement {
  return { status: fromConfiguration ? "failed" : "warning", detail };
}

/** Names the attributes that were tested as the vm has them, which is not how the machine has them. */
export function vmsOwn({ replaced }: Promised): string {
  if (replaced === null || replaced.length === 0) return "";
  return `; ${replaced.join(" and ")} ${replaced.length === 1 ? "is" : "are"} the vm's own`;
}

export const absentInVm: Judgement = {
  status: "skipped",
  detail: "is left out of the vm: not tested",
};
