import { InterruptedError } from "../../errors.ts";
import type { Slot } from "./slot.ts";

interface Waiting {
  readonly take: () => void;
  readonly fail: (error: unknown) => void;
}

/** The workers of a lane, started as they are needed, and those who wait for one. */
export class SlotPool {
  readonly #slots: readonly Slot[];
  readonly #start: (slot: Slot) => void;
  readonly #waiting: Waiting[] = [];
  #closed: Error | undefined;

  constructor(slots: readonly Slot[], start: (slot: Slot) => void) {
    this.#slots = slots;
    this.#start = start;
  }

  /** A worker that nobody else has. */
  async acquire(signal: AbortSignal | undefined): Promise<Slot> {
    for (;;) {
      if (this.#closed !== undefined) throw this.#closed;
      if (signal?.aborted === true) {
        // It may have been woken for a worker that it does not take.
        if (this.#slots.some(({ state }) => state === "free")) this.freed();
        throw new InterruptedError("the command was interrupted", { cause: signal.reason });
      }
      const free = this.#slots.find(({ state }) => state === "free");
      if (free !== undefined) {
        free.state = "busy";
        return free;
      }
      this.#provide();
      await this.#turn(signal);
    }
  }

  /** The indices of those that have been started, where none of them has anything to do. */
  idleWorkers(): number[] | undefined {
    const started = this.#slots.filter(({ state }) => state !== "unused");
    return started.every(({ state }) => state === "free")
      ? started.map(({ index }) => index)
      : undefined;
  }

  /** A worker has become free. */
  freed(): void {
    this.#waiting[0]?.take();
  }

  /** All that is pending and to come fails with this. */
  close(error: Error): void {
    this.#closed ??= error;
    for (const waiting of this.#waiting.splice(0)) waiting.fail(error);
    for (const slot of this.#slots) {
      slot.fail(error);
      slot.destroy();
    }
  }

  /** Makes another worker free, unless one is on its way for each who waits. */
  #provide(): void {
    const coming = this.#slots.filter(({ state }) => state === "starting" || state === "renewing");
    if (coming.length > this.#waiting.length) return;
    const unused = this.#slots.find(({ state }) => state === "unused");
    if (unused !== undefined) return this.#start(unused);
    const held = this.#slots.filter(({ state }) => state === "held");
    const oldest = held.toSorted((one, other) => one.serial - other.serial)[0];
    // While others are only busy, waiting for them loses nothing.
    if (oldest !== undefined && held.length > this.#slots.length / 2) oldest.renew();
  }

  #turn(signal: AbortSignal | undefined): Promise<void> {
    return new Promise((resolve, reject) => {
      const leave = (): void => {
        signal?.removeEventListener("abort", waiting.take);
        const at = this.#waiting.indexOf(waiting);
        if (at !== -1) this.#waiting.splice(at, 1);
      };
      const waiting: Waiting = {
        take: () => {
          leave();
          resolve();
        },
        fail: (error) => {
          leave();
          reject(error);
        },
      };
      signal?.addEventListener("abort", waiting.take);
      this.#waiting.push(waiting);
    });
  }
}
