import { withoutSecrets } from "./hidden-text.ts";

/** What went wrong, as a literal that programs can compare. */
export type ErrorCode =
  | "USAGE"
  | "MACHINE_NOT_FOUND"
  | "CONFIG_INVALID"
  | "NIX_EVALUATION"
  | "NIX_BUILD"
  | "BOOT_FAILED"
  | "BOOT_TIMEOUT"
  | "GUEST_LOST"
  | "COMMAND_FAILED"
  | "COMMAND_TIMEOUT"
  | "WAIT_TIMEOUT"
  | "UNIT_FAILED"
  | "ASSERTION"
  | "CONSOLE_TIMEOUT"
  | "NIX_MISSING"
  | "NIXPKGS_MISSING"
  | "QEMU_MISSING"
  | "HOST_TOOL_MISSING"
  | "HOST_RESOURCES"
  | "INTERRUPTED";

/** Exit codes of the command line (README, «Exit codes»). */
export const exitCodes = {
  held: 0,
  failed: 1,
  usage: 2,
  nix: 3,
  guest: 4,
  host: 5,
  interrupted: 130,
} as const;

export type ExitCode = (typeof exitCodes)[keyof typeof exitCodes];

export interface ErrorDetails {
  readonly cause?: unknown;
  /** What to do next, in one sentence or one command. */
  readonly hint?: string | undefined;
  /** Evidence below the first line: excerpts, journals, the command to repeat. */
  readonly details?: readonly string[];
}

/**
 * The base of every error that dryboot throws on purpose: `message` is one line that stands alone.
 * Two families below it: {@link GuestError}, the guest is wrong; {@link UntestedError}, we could not test it.
 */
export abstract class DrybootError extends Error {
  abstract readonly code: ErrorCode;
  abstract readonly exitCode: ExitCode;
  readonly hint: string | undefined;
  readonly details: readonly string[];

  constructor(message: string, { cause, hint, details = [] }: ErrorDetails = {}) {
    super(withoutSecrets(message), cause === undefined ? undefined : { cause });
    this.name = new.target.name;
    this.hint = hint === undefined ? undefined : withoutSecrets(hint);
    this.details = details.map((line) => withoutSecrets(line));
  }
}

/** The guest is wrong: it did not boot, was lost, or does not do what was asserted. */
export abstract class GuestError extends DrybootError {}

/** We could not test it: wrong usage, Nix could not build it, or this host cannot run it. */
export abstract class UntestedError extends DrybootError {}

export class UsageError extends UntestedError {
  readonly code: "USAGE" | "MACHINE_NOT_FOUND" | "CONFIG_INVALID";
  readonly exitCode: 2 = exitCodes.usage;

  constructor(
    message: string,
    { code = "USAGE", ...details }: ErrorDetails & { readonly code?: UsageError["code"] } = {},
  ) {
    super(message, details);
    this.code = code;
  }
}

export class NixError extends UntestedError {
  readonly code: "NIX_EVALUATION" | "NIX_BUILD";
  readonly exitCode: 3 = exitCodes.nix;

  constructor(
    message: string,
    { code, ...details }: ErrorDetails & { readonly code: NixError["code"] },
  ) {
    super(message, details);
    this.code = code;
  }
}

export class HostError extends UntestedError {
  readonly code:
    | "NIX_MISSING"
    | "NIXPKGS_MISSING"
    | "QEMU_MISSING"
    | "HOST_TOOL_MISSING"
    | "HOST_RESOURCES";
  readonly exitCode: 5 = exitCodes.host;

  constructor(
    message: string,
    { code, ...details }: ErrorDetails & { readonly code: HostError["code"] },
  ) {
    super(message, details);
    this.code = code;
  }
}

/** The guest never got to its shell, or was lost after it. */
export class GuestLostError extends GuestError {
  readonly code: "BOOT_FAILED" | "BOOT_TIMEOUT" | "GUEST_LOST";
  readonly exitCode: 4 = exitCodes.guest;

  constructor(
    message: string,
    { code, ...details }: ErrorDetails & { readonly code: GuestLostError["code"] },
  ) {
    super(message, details);
    this.code = code;
  }
}

/** Ctrl-C, SIGTERM, or an aborted test. */
export class InterruptedError extends UntestedError {
  readonly code = "INTERRUPTED" as const;
  readonly exitCode: 130 = exitCodes.interrupted;
}

/** The console did not show what somebody waited for. */
export class ConsoleTimeoutError extends GuestError {
  readonly code = "CONSOLE_TIMEOUT" as const;
  readonly exitCode: 4 = exitCodes.guest;
}
