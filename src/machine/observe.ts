import { Deadline, formatMs } from "../deadline.ts";
import { exitCodes, GuestError, type ErrorCode } from "../errors.ts";
import { poll } from "./poll.ts";
import type { CommandRunner } from "./runner.ts";

/** What one look at the guest showed. */
export interface Observation {
  readonly holds: boolean;
  /** The end of a sentence: `is activating (start-pre)`, `nobody listens on it`. */
  readonly saw: string;
  /** It does not hold, and no waiting will help. */
  readonly hopeless?: boolean;
}

/** Something that can be looked at again and again until it holds. */
export interface Expectation {
  readonly runner: CommandRunner;
  /** `unit nginx.service of web` */
  readonly subject: string;
  /** `to be active` */
  readonly wanted: string;
  /** @default "WAIT_TIMEOUT" */
  readonly failureCode?: ErrorCode;
  observe(): Promise<Observation>;
  /** What a reader of the failure needs beyond the message. */
  evidence?(): Promise<readonly string[]>;
}

export interface ObserveOptions {
  /** `false` waits until it does not hold any more. @default true */
  readonly holds?: boolean;
  readonly timeoutMs?: number | undefined;
}

/** How the looking ended: data for whoever makes a message of it. */
export interface Verdict extends Observation {
  readonly pass: boolean;
  readonly timedOut: boolean;
  readonly elapsedMs: number;
  readonly message: string;
}

const patienceMs = 30_000;

/** Looks until the expectation holds, until it is hopeless, or until the time is over. */
export async function observeUntil(
  expectation: Expectation,
  { holds = true, timeoutMs = patienceMs * expectation.runner.timeoutScale }: ObserveOptions = {},
): Promise<Verdict> {
  const deadline = Deadline.after(timeoutMs);
  let latest: Observation = { holds: !holds, saw: "was never looked at" };
  const decided = await poll(
    async () => {
      latest = await expectation.observe();
      return latest.holds === holds || (holds && latest.hopeless) ? true : undefined;
    },
    { deadline, signal: expectation.runner.signal },
  );
  const { subject, wanted } = expectation;
  const elapsedMs = deadline.elapsedMs;
  const waited = decided ? `known after ${formatMs(elapsedMs)}` : `waited ${formatMs(elapsedMs)}`;
  return {
    ...latest,
    pass: latest.holds === holds,
    timedOut: !decided,
    elapsedMs,
    message: `${subject} was expected ${holds ? "" : "not "}${wanted}, but ${latest.saw} (${waited})`,
  };
}

/** Something in the guest was waited for and did not come, or cannot come any more. */
export class ExpectationError extends GuestError {
  readonly code: ErrorCode;
  readonly exitCode: 1 = exitCodes.failed;

  constructor(message: string, code: ErrorCode, details: readonly string[]) {
    super(message, { details });
    this.code = code;
  }
}

/** The waits of a machine: {@link observeUntil}, and an error where a matcher would fail. */
export async function waitFor(expectation: Expectation, options: ObserveOptions): Promise<void> {
  const { pass, message, timedOut } = await observeUntil(expectation, options);
  if (pass) return;
  const code = timedOut ? "WAIT_TIMEOUT" : (expectation.failureCode ?? "WAIT_TIMEOUT");
  throw new ExpectationError(message, code, await gatherEvidence(expectation));
}

/** Evidence explains a failure; a guest that cannot give any must not replace it. */
export async function gatherEvidence(expectation: Expectation): Promise<readonly string[]> {
  try {
    return (await expectation.evidence?.()) ?? [];
  } catch {
    return [];
  }
}
