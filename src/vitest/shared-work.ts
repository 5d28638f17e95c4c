import { InterruptedError } from "../errors.ts";

/** Work that several tests may wait for. */
export interface SharedWork<Result> {
  /** Nobody waits for it any more: it was ended before it was done. */
  readonly isAbandoned: boolean;
  /**
   * Waits for the result.
   * @throws {InterruptedError} once the signal is aborted while others still wait; else what the work throws
   */
  wait(signal: AbortSignal): Promise<Result>;
}

/** Starts work that goes on for as long as at least one of those who asked waits for it. */
export function startSharedWork<Result>(
  start: (signal: AbortSignal) => Promise<Result>,
): SharedWork<Result> {
  const controller = new AbortController();
  const result = start(controller.signal);
  let isDone = false;
  const done = (): void => void (isDone = true);
  result.then(done, done);
  const waiting = new Set<AbortSignal>();
  return {
    get isAbandoned() {
      return controller.signal.aborted;
    },
    async wait(signal) {
      waiting.add(signal);
      let leave = (): void => {};
      const left = new Promise<never>((_, reject) => {
        leave = () => {
          waiting.delete(signal);
          if (waiting.size === 0 && !isDone) controller.abort(signal.reason);
          else reject(new InterruptedError("interrupted while waiting", { cause: signal.reason }));
        };
      });
      signal.addEventListener("abort", leave, { once: true });
      if (signal.aborted) leave();
      try {
        return await Promise.race([result, left]);
      } finally {
        signal.removeEventListener("abort", leave);
        waiting.delete(signal);
      }
    },
  };
}

/** The work of that name that somebody has started and nobody has given up, else new work. */
export function sharedWork<Result>(
  works: Map<string, SharedWork<Result>>,
  name: string,
  start: (signal: AbortSignal) => Promise<Result>,
): SharedWork<Result> {
  const known = works.get(name);
  if (known !== undefined && !known.isAbandoned) return known;
  const work = startSharedWork(start);
  works.set(name, work);
  return work;
}
