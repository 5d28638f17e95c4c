import type { CheckResult } from "../checks/index.ts";
import { DrybootError, type ErrorCode, type ExitCode, exitCodes } from "../errors.ts";
import type { Phase } from "../machine/index.ts";

/** What `smoke` found out about one machine: the object that `--json` prints. */
export interface MachineResult {
  readonly machine: string;
  readonly hostName?: string;
  /** Store path of the closure that is deployed. */
  readonly system?: string;
  readonly vm?: string;
  readonly nixpkgs?: { readonly path: string; readonly origin: string; readonly version?: string };
  readonly accelerator?: string;
  /** `warm`: went on from the checkpoint of an earlier boot of the same vm. */
  readonly start: "cold" | "warm";
  readonly phases: readonly Phase[];
  readonly checks: readonly CheckResult[];
  readonly outcome: Outcome;
  readonly error?: ErrorData;
  /** Kept after a failure: console, disk. */
  readonly runDirectory?: string;
  /** The last lines of the console, after a check failed. */
  readonly consoleTail?: readonly string[];
  /** Lines of the console that mean that the guest was hurt. */
  readonly alarms?: readonly string[];
}

/** `failed`: the guest is wrong; `untested`: it could not be tested. */
export type Outcome = "passed" | "failed" | "untested" | "interrupted";

export interface ErrorData {
  readonly code: ErrorCode | "UNEXPECTED";
  readonly message: string;
  readonly details: readonly string[];
  readonly hint?: string;
}

export function toErrorData(error: unknown): ErrorData {
  if (!(error instanceof DrybootError)) {
    return {
      code: "UNEXPECTED",
      message: error instanceof Error ? error.message : String(error),
      details: error instanceof Error ? (error.stack ?? "").split("\n") : [],
    };
  }
  const { code, message, details, hint } = error;
  return { code, message, details, ...(hint === undefined ? {} : { hint }) };
}

/** 70, `EX_SOFTWARE` of sysexits.h: a fault of dryboot's own. */
export const unexpectedExitCode = 70;

export function exitCodeOf(error: unknown): ExitCode | typeof unexpectedExitCode {
  return error instanceof DrybootError ? error.exitCode : unexpectedExitCode;
}

export function outcomeOfError(error: unknown): Outcome {
  const exitCode = exitCodeOf(error);
  if (exitCode === exitCodes.interrupted) return "interrupted";
  return exitCode === exitCodes.failed || exitCode === exitCodes.guest ? "failed" : "untested";
}
