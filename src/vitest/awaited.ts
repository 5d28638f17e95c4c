import type { RunnerTask } from "vitest";
import { framesOutside, leadsSomewhere, stackWith } from "./frames.ts";

/** A promise, and what to say if nobody ever asks for its outcome. */
export interface Call {
  /** As it stands in a test: `expect(unit nginx.service of web).toBeActive()`. */
  readonly text: string;
  /** The stack of the call: what waits for the outcome may be anywhere. */
  readonly stack: string | undefined;
  readonly task: RunnerTask | undefined;
  /**
   * What is chained on in the same breath is as good as the promise itself: vitest does that with a matcher's. `await`,
   * `return` and `Promise.all` come a moment later.
   */
  readonly isChained?: boolean;
}

/**
 * Fails the test at its end if it has not waited for this promise: without that, what does not hold would show itself
 * when the test has passed, or never.
 */
export function mustBeAwaited<T>(
  promise: Promise<T>,
  { text, stack, task, isChained = false }: Call,
): Promise<T> {
  if (task?.type !== "test") return promise;
  const frames = framesOutside(stack);
  const pending = pendingOf(task);
  const error = new Error(`${text} was not awaited: the test has ended without its outcome`);
  error.stack = stackWith(error, frames);
  pending.add(error);
  return AwaitedPromise.of(promise, {
    frames,
    isChained,
    onAsked: () => void pending.delete(error),
  });
}

const pendingCalls = new WeakMap<RunnerTask, Set<Error>>();

/** What the test has not asked for yet, each with what to say at its end. */
function pendingOf(task: RunnerTask & { readonly type: "test" }): Set<Error> {
  const known = pendingCalls.get(task);
  if (known !== undefined) return known;
  const pending = new Set<Error>();
  pendingCalls.set(task, pending);
  task.context.onTestFinished(() => {
    // A retry has its own.
    pendingCalls.delete(task);
    // A test that ended early could not wait for what it had begun.
    if (task.result?.state === "fail") return;
    const [first] = pending;
    if (first !== undefined) throw first;
  });
  return pending;
}

interface Watch {
  readonly frames: readonly string[];
  readonly isChained: boolean;
  readonly onAsked: () => void;
}

/** A promise that says when it is asked for its outcome. */
class AwaitedPromise<T> extends Promise<T> {
  #watch: Watch | undefined;
  #isFresh = false;

  /** What `then` gives is a promise like any other. */
  static override get [Symbol.species](): PromiseConstructor {
    return Promise;
  }

  static of<T>(source: Promise<T>, watch: Watch): AwaitedPromise<T> {
    const outcome = source.catch((reason: unknown) => {
      if (reason instanceof Error && leadsSomewhere(watch.frames)) {
        reason.stack = stackWith(reason, watch.frames);
      }
      throw reason;
    });
    const promise = new AwaitedPromise<T>((resolve, reject) => void outcome.then(resolve, reject));
    // Nobody may be there to hear of it; the test then fails all the same.
    void promise.catch(() => {});
    promise.#watch = watch;
    promise.#isFresh = watch.isChained;
    queueMicrotask(() => void (promise.#isFresh = false));
    return promise;
  }

  // oxlint-disable-next-line unicorn/no-thenable -- what `await` calls is what is watched
  override then<Value = T, Reason = never>(
    onFulfilled?: ((value: T) => Value | PromiseLike<Value>) | null,
    onRejected?: ((reason: unknown) => Reason | PromiseLike<Reason>) | null,
  ): Promise<Value | Reason> {
    const next = super.then(onFulfilled, onRejected);
    if (this.#watch === undefined) return next;
    if (this.#isFresh) return AwaitedPromise.of(next, this.#watch);
    this.#watch.onAsked();
    return next;
  }
}
