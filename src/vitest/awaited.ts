import type { RunnerTask } from "vitest";
import { framesOutside, leadsSomewhere, stackWith } from "./frames.ts";

/** A matcher's promise, and what to say if nobody ever asks for its outcome. */
export interface Assertion {
  /** As it stands in a test: `expect(unit nginx.service of web).toBeActive()`. */
  readonly text: string;
  /** The stack of the call: what waits for the outcome may be anywhere. */
  readonly stack: string | undefined;
  readonly task: RunnerTask | undefined;
}

/**
 * Fails the test at its end if it has not waited for this promise: without that, a matcher that does not hold would
 * show itself when the test has passed, or never.
 */
export function mustBeAwaited<T>(
  promise: Promise<T>,
  { text, stack, task }: Assertion,
): Promise<T> {
  const frames = framesOutside(stack);
  if (task?.type !== "test") return promise;
  let asked = false;
  task.context.onTestFinished(() => {
    if (asked) return;
    const error = new Error(`${text} was not awaited: the test has ended without its outcome`);
    error.stack = stackWith(error, frames);
    throw error;
  });
  return watched(promise, { frames, onAsked: () => void (asked = true) });
}

interface Watch {
  readonly frames: readonly string[];
  readonly onAsked: () => void;
}

/**
 * What is chained on in the same breath, as vitest does, is as good as the promise itself; `await`, `return` and
 * `Promise.all` come a moment later.
 */
function watched<T>(promise: Promise<T>, watch: Watch): Promise<T> {
  let fresh = true;
  queueMicrotask(() => void (fresh = false));
  const outcome = promise.catch((error: unknown) => {
    if (error instanceof Error && leadsSomewhere(watch.frames)) {
      error.stack = stackWith(error, watch.frames);
    }
    throw error;
  });
  // Nobody may be there to hear of it; the test then fails all the same.
  outcome.catch(() => {});
  const ask = <U>(next: Promise<U>): Promise<U> => {
    if (fresh) return watched(next, watch);
    watch.onAsked();
    return next;
  };
  return {
    // oxlint-disable-next-line unicorn/no-thenable -- what `await` calls is what is watched
    then: (onFulfilled, onRejected) => ask(outcome.then(onFulfilled, onRejected)),
    catch: (onRejected) => ask(outcome.catch(onRejected)),
    finally: (onFinally) => ask(outcome.finally(onFinally)),
    [Symbol.toStringTag]: "Promise",
  };
}
