export type CheckStatus = "passed" | "failed" | "warning" | "skipped";

/** What one check came to. */
export interface CheckResult {
  /** What was checked: `unit is active`. */
  readonly name: string;
  /** What it was checked of: `nginx.service`, `tcp port 80`. */
  readonly subject: string;
  /** The option that the check comes from: `services.nginx`. */
  readonly source: string;
  readonly status: CheckStatus;
  /** The end of a sentence that begins with the subject. */
  readonly detail: string;
  /** Lines of the guest that show why: a unit's status and journal. Not cleaned of escape sequences. */
  readonly evidence?: readonly string[];
  /** Nothing that the machine's own files asked for: NixOS brought it by itself. */
  readonly builtIn?: boolean;
}

/** Whether nothing failed; warnings and skipped checks hold. */
export function allHeld(results: readonly CheckResult[]): boolean {
  return results.every((result) => result.status !== "failed");
}
