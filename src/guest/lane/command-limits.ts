import { clearTimeout, performance, setTimeout } from "../../clock.ts";

/** Why nobody waits for a command any more. */
export type LimitReached = "overdue" | "aborted";

export interface CommandLimits extends Disposable {
  readonly reached: Promise<LimitReached>;
}

export interface CommandLimitOptions {
  readonly timeoutMs: number;
  readonly graceMs: number;
  readonly signal: AbortSignal | undefined;
  /** Tells the guest to end the command after so long. */
  readonly arm: (afterMs: number) => void;
  /** What was armed is over. */
  readonly disarm: () => void;
}

// Most commands end before the guest need know of their timeout.
const armAfterMs = 1000;

/** The guest ends a command at its timeout: TERM, and KILL a grace period later. Two more, and the host gives up. */
export function limitCommand({
  timeoutMs,
  graceMs,
  signal,
  arm,
  disarm,
}: CommandLimitOptions): CommandLimits {
  const startedAtMs = performance.now();
  const timers: NodeJS.Timeout[] = [];
  let armed = false;
  let onReached: (limit: LimitReached) => void = () => {};
  const reached = new Promise<LimitReached>((resolve) => {
    onReached = resolve;
  });
  const after = (ms: number, act: () => void): void => {
    // A longer timer than this would end at once.
    if (ms < 2 ** 31) timers.push(setTimeout(act, ms));
  };
  const onAbort = (): void => onReached("aborted");
  if (timeoutMs !== Infinity) {
    after(Math.min(armAfterMs, timeoutMs / 2), () => {
      armed = true;
      arm(timeoutMs - (performance.now() - startedAtMs));
    });
    after(timeoutMs + 3 * graceMs, () => onReached("overdue"));
  }
  signal?.addEventListener("abort", onAbort);
  if (signal?.aborted === true) onAbort();
  return {
    reached,
    [Symbol.dispose]() {
      for (const timer of timers) clearTimeout(timer);
      signal?.removeEventListener("abort", onAbort);
      if (armed) disarm();
    },
  };
}
