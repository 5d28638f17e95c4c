import { InterruptedError } from "../errors.ts";

/** Runs a task when its turn has come; `signal` ends the wait for it. */
export type Turns = <T>(task: () => Promise<T>, signal?: AbortSignal) => Promise<T>;

/** Lets so many tasks run at once, in the order in which they came. */
export function takeTurns(atOnce: number): Turns {
  const waiting: (() => void)[] = [];
  let free = atOnce;

  const acquire = async (signal: AbortSignal | undefined): Promise<void> => {
    if (free > 0) {
      free -= 1;
      return;
    }
    if (signal?.aborted) throw interrupted(signal);
    await new Promise<void>((resolve, reject) => {
      const proceed = (): void => {
        signal?.removeEventListener("abort", abort);
        resolve();
      };
      const abort = (): void => {
        waiting.splice(waiting.indexOf(proceed), 1);
        reject(interrupted(signal));
      };
      waiting.push(proceed);
      signal?.addEventListener("abort", abort, { once: true });
    });
  };

  return async (task, signal) => {
    await acquire(signal);
    try {
      return await task();
    } finally {
      const next = waiting.shift();
      if (next === undefined) free += 1;
      else next();
    }
  };
}

function interrupted(signal: AbortSignal | undefined): InterruptedError {
  return new InterruptedError("the command was interrupted", { cause: signal?.reason });
}
