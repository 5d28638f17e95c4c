import { now } from "../clock.ts";
import { cleanText } from "../console/index.ts";
import { Deadline, formatMs } from "../deadline.ts";
import { exitCodes, GuestError, type ErrorCode } from "../errors.ts";
import { dataWithoutSecrets, withoutSecrets } from "../hidden-text.ts";
import { LookCutOffError, withinLook } from "./look.ts";
import { poll } from "./poll.ts";
import type { CommandRunner } from "./runner.ts";
import { describeSights, describeVerdict, type Sight } from "./verdict-text.ts";

/** What one look at the guest showed. */
export interface Observation {
  readonly holds: boolean;
  /** The end of a sentence: `is activating (start-pre)`, `nobody listens on it`. */
  readonly saw: string;
  /** It does not hold, and no waiting will help. */
  readonly hopeless?: boolean;
  /** What was to be looked at is not there: where it never was, the opposite of the expectation does not hold either. */
  readonly missing?: boolean;
  /** For how long the guest has been like this, by its own clock. */
  readonly forMs?: number | undefined;
  /** The value that was compared, for a diff. */
  readonly actual?: unknown;
}

/** Something that can be looked at again and again until it holds. */
export interface Expectation {
  readonly runner: CommandRunner;
  /** `unit nginx.service of web` */
  readonly subject: string;
  /** `to be active` */
  readonly wanted: string;
  /** The value that {@link Observation.actual} is compared with, where the two make a diff worth reading. */
  readonly expected?: unknown;
  /** @default "WAIT_TIMEOUT" */
  readonly failureCode?: ErrorCode;
  /** How long a look may take where less is left of the wait, under KVM. @default 2500 */
  readonly leastLookMs?: number;
  /** What a message says of a look that is not over in time. @default "the look did not come back" */
  readonly cutOff?: string;
  /** Commands in the guest end with the deadline by themselves. */
  observe(deadline: Deadline): Promise<Observation>;
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
  /** The last look was not over in time. */
  readonly cutOff: boolean;
  readonly elapsedMs: number;
  readonly expected?: unknown;
  /** What was seen on the way, without repetitions. */
  readonly sights: readonly Sight[];
  /** One line that stands alone. */
  readonly message: string;
}

const patienceMs = 30_000;
const leastLookMs = 2_500;
const evidenceMs = 10_000;
// Who did not answer just now is not asked for long.
const lastWordsMs = 1_000;

/** What is being waited for on a guest. */
export interface PendingWait {
  /** `file /etc/motd of web, to exist: does not exist` */
  readonly text: string;
  /** In milliseconds since 1970. */
  readonly sinceMs: number;
}

const pending = new WeakMap<CommandRunner, Set<() => PendingWait>>();

/** For a test that is over before its wait is. */
export function pendingWaits(runner: CommandRunner): PendingWait[] {
  return [...(pending.get(runner) ?? [])].map((describe) => describe());
}

/**
 * Looks until the expectation holds, until it is hopeless, or until the time is over. A look that takes longer than what is
 * left of the wait, and than a look needs at least, is ended.
 */
export async function observeUntil(
  expectation: Expectation,
  { holds = true, timeoutMs = patienceMs * expectation.runner.timeoutScale }: ObserveOptions = {},
): Promise<Verdict> {
  const deadline = Deadline.after(timeoutMs);
  const sights: Sight[] = [];
  let latest: Observation = { holds: !holds, saw: "was never looked at" };
  using _ = followed(expectation.runner, () => {
    const { subject, wanted } = expectation;
    return `${subject}, ${holds ? "" : "not "}${wanted}: ${latest.saw}`;
  });
  let cutOff = false;
  let wasThere = false;
  let lastSeen: string | undefined;
  const decided = await poll(
    async () => {
      const look = await lookOnce(expectation, deadline);
      cutOff = typeof look === "string";
      if (typeof look === "string") {
        const before = lastSeen === undefined ? "" : `${lastSeen}, and then `;
        latest = { holds: !holds, saw: before + look };
      } else {
        latest = look;
        lastSeen = look.saw;
        wasThere ||= !look.missing;
      }
      if (sights.at(-1)?.saw !== latest.saw) {
        sights.push({ afterMs: deadline.elapsedMs, saw: latest.saw });
      }
      if (cutOff) return deadline.expired ? false : undefined;
      return latest.holds === holds || (holds && latest.hopeless) ? true : undefined;
    },
    { deadline, signal: expectation.runner.signal },
  );
  const verdict = {
    ...latest,
    ...("expected" in expectation ? { expected: expectation.expected } : {}),
    // Of a unit whose name is mistyped, anything could be denied.
    pass: latest.holds === holds && (holds || wasThere || !latest.missing),
    timedOut: !decided,
    cutOff,
    elapsedMs: deadline.elapsedMs,
    sights,
  };
  return dataWithoutSecrets({ ...verdict, message: describeVerdict(expectation, verdict, holds) });
}

/** What was seen, or words for that nothing was in time. */
async function lookOnce(expectation: Expectation, wait: Deadline): Promise<Observation | string> {
  const { runner, leastLookMs: leastMs = leastLookMs } = expectation;
  const limit = Deadline.after(Math.max(wait.remainingMs, leastMs * runner.timeoutScale));
  try {
    return await withinLook(runner, limit, (deadline) => expectation.observe(deadline));
  } catch (error) {
    if (!(error instanceof LookCutOffError)) throw error;
    const { cutOff = "the look did not come back" } = expectation;
    return `${cutOff} within ${formatMs(limit.totalMs)}`;
  }
}

function followed(runner: CommandRunner, text: () => string): Disposable {
  const sinceMs = now();
  const describe = (): PendingWait => ({ text: withoutSecrets(cleanText(text())), sinceMs });
  const all = pending.get(runner) ?? new Set();
  pending.set(runner, all.add(describe));
  return { [Symbol.dispose]: () => void all.delete(describe) };
}

/** Something in the guest was waited for and did not come, or cannot come any more. */
export class ExpectationError extends GuestError {
  readonly code: ErrorCode;
  readonly exitCode: 1 = exitCodes.failed;

  constructor(
    message: string,
    code: ErrorCode,
    details: readonly string[],
    { cause }: { readonly cause?: unknown } = {},
  ) {
    super(message, { details, cause });
    this.code = code;
  }
}

/** The waits of a machine: {@link observeUntil}, and an error where a matcher would fail. */
export async function waitFor(expectation: Expectation, options: ObserveOptions): Promise<void> {
  const verdict = await observeUntil(expectation, options);
  if (verdict.pass) return;
  const code = verdict.timedOut ? "WAIT_TIMEOUT" : (expectation.failureCode ?? "WAIT_TIMEOUT");
  const evidence = await gatherEvidence(expectation, verdict);
  throw new ExpectationError(verdict.message, code, evidence);
}

/** What stands below the message: the way there, and what the expectation knows to explain the failure. */
export async function gatherEvidence(
  expectation: Expectation,
  { sights, cutOff }: Pick<Verdict, "sights" | "cutOff">,
): Promise<readonly string[]> {
  const limitMs = cutOff ? lastWordsMs : evidenceMs;
  return [...describeSights(sights), ...(await ownEvidence(expectation, limitMs))];
}

/** A guest that cannot give any evidence must not replace the failure. */
async function ownEvidence(expectation: Expectation, limitMs: number): Promise<readonly string[]> {
  try {
    const { runner } = expectation;
    const limit = Deadline.after(limitMs * runner.timeoutScale);
    const ask = async (): Promise<readonly string[]> => (await expectation.evidence?.()) ?? [];
    return (await withinLook(runner, limit, ask)).map((line) => withoutSecrets(cleanText(line)));
  } catch {
    return [];
  }
}
