import type { Deadline } from "../deadline.ts";

// A guest that says the same without end, unasked, must not fill the memory.
const maxMessages = 4096;

/** Messages that wait for one reader; the oldest are dropped where nobody reads them. */
export class Mailbox<T> {
  readonly #messages: T[] = [];
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  put(message: T): void {
    this.#messages.push(message);
    if (this.#messages.length > maxMessages) this.#messages.shift();
    this.interrupt();
  }

  /** Every later wait fails with this; what came before is still read. */
  fail(failure: Error): void {
    this.#failure ??= failure;
    this.interrupt();
  }

  /** Ends the pending wait without a message. */
  interrupt(): void {
    this.#wake?.();
  }

  /** What the promise gives; `undefined` when a message or an interruption comes before. */
  async unlessWoken<U>(promise: Promise<U>): Promise<U | undefined> {
    if (this.#failure !== undefined) throw this.#failure;
    const woken = new Promise<undefined>((resolve) => {
      this.#wake = () => resolve(undefined);
    });
    const first = await Promise.race([promise, woken]);
    this.#wake = undefined;
    if (this.#failure !== undefined) throw this.#failure;
    return first;
  }

  /** The next message; `undefined` at the deadline or after an interruption. */
  async next(deadline: Deadline): Promise<T | undefined> {
    if (this.#messages.length === 0 && this.#failure === undefined) {
      await deadline.race(
        new Promise<void>((resolve) => {
          this.#wake = resolve;
        }),
      );
      this.#wake = undefined;
    }
    const message = this.#messages.shift();
    if (message === undefined && this.#failure !== undefined) throw this.#failure;
    return message;
  }
}
