import type { Deadline } from "../deadline.ts";

export interface PollOptions {
  readonly deadline: Deadline;
  readonly signal?: AbortSignal | undefined;
}

const firstPauseMs = 50;
const longestPauseMs = 1000;

/**
 * Tries at once, then at growing pauses, until `attempt` gives a value or the deadline has passed.
 * A last try is made at the deadline, so that a slow guest is never judged by an old answer.
 */
export async function poll<T>(
  attempt: () => Promise<T | undefined>,
  { deadline, signal }: PollOptions,
): Promise<T | undefined> {
  let pauseMs = firstPauseMs;
  for (;;) {
    signal?.throwIfAborted();
    const last = deadline.expired;
    const value = await attempt();
    if (value !== undefined || last) return value;
    await deadline.sleep(pauseMs);
    pauseMs = Math.min(pauseMs * 2, longestPauseMs);
  }
}
