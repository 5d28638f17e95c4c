import type { Deadline } from "../deadline.ts";
import { formatMs } from "../deadline.ts";
import { ConsoleTimeoutError, InterruptedError, type GuestLostError } from "../errors.ts";
import { findMatch, type ConsoleMatch, type Pattern } from "./match.ts";
import type { Transcript } from "./transcript.ts";

export interface ExpectOptions {
  readonly deadline: Deadline;
  /** Offset from which the text counts, see `Console.mark`. @default the start of the console */
  readonly since?: number;
  /** What is going on, for the message of a timeout. */
  readonly phase?: string;
  readonly signal?: AbortSignal;
}

/** Everybody who waits for something on one console. */
export interface Waits {
  expect(patterns: readonly Pattern[], options: ExpectOptions): Promise<ConsoleMatch>;
  /** There is more text, or a failure: each looks again. */
  wake(): void;
}

export interface WaitsOptions {
  readonly transcript: Transcript;
  /** What no wait survives. */
  readonly failure: () => GuestLostError | undefined;
}

export function createWaits({ transcript, failure }: WaitsOptions): Waits {
  const waiting = new Set<() => void>();
  return {
    wake() {
      for (const look of waiting) look();
    },
    async expect(patterns, { deadline, since = 0, phase, signal }) {
      const find = finder(transcript, patterns, since);
      let look = (): void => {};
      const outcome = new Promise<ConsoleMatch | undefined>((resolve) => {
        look = () => {
          const match = find();
          if (match !== undefined || failure() !== undefined || signal?.aborted) resolve(match);
        };
        look();
      });
      waiting.add(look);
      signal?.addEventListener("abort", look);
      try {
        const match = await deadline.race(outcome);
        if (match !== undefined) return match;
      } finally {
        waiting.delete(look);
        signal?.removeEventListener("abort", look);
      }
      if (signal?.aborted) {
        throw new InterruptedError("interrupted while waiting for the console", {
          cause: signal.reason,
        });
      }
      throw failure() ?? timeout(patterns, { deadline, since, phase }, transcript);
    },
  };
}

function finder(
  transcript: Transcript,
  patterns: readonly Pattern[],
  since: number,
): () => ConsoleMatch | undefined {
  let scanned = since;
  return () => {
    const found = findMatch(transcript, patterns, since, scanned);
    // A line that is not complete yet may still change.
    scanned = Math.max(since, transcript.lineStart);
    return found;
  };
}

function timeout(
  patterns: readonly Pattern[],
  {
    deadline,
    since,
    phase,
  }: Pick<ExpectOptions, "deadline"> & { since: number; phase: string | undefined },
  transcript: Transcript,
): ConsoleTimeoutError {
  const wanted = patterns.map((one) => (typeof one === "string" ? JSON.stringify(one) : `${one}`));
  const during = phase === undefined ? "" : ` during ${phase}`;
  const seen = transcript.tail(15, since);
  return new ConsoleTimeoutError(
    `the console did not show ${wanted.join(" or ")} within ${formatMs(deadline.totalMs)}${during}`,
    { details: seen.length === 0 ? ["The console showed nothing."] : ["It showed:", ...seen] },
  );
}
