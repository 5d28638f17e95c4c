import { clearInterval, performance, setInterval } from "../../clock.ts";

export interface SignsOfLifeOptions {
  /** Who says nothing for so long is lost. */
  readonly silenceMs: number;
  /** Asks for an answer. */
  readonly ping: () => void;
  readonly onSilence: () => void;
}

const pingEveryMs = 5000;

/** Asks the guest for signs of life as long as something is expected of it. */
export class SignsOfLife {
  readonly #options: SignsOfLifeOptions;
  #expected = 0;
  #pings: NodeJS.Timeout | undefined;
  #lastHeardMs = 0;

  constructor(options: SignsOfLifeOptions) {
    this.#options = options;
  }

  heard(): void {
    this.#lastHeardMs = performance.now();
  }

  get silentMs(): number {
    return performance.now() - this.#lastHeardMs;
  }

  /** Whether it has not even answered when it was asked. */
  get isOverdue(): boolean {
    return this.silentMs > 2 * pingEveryMs;
  }

  /** Until what this returns is disposed of. */
  expect(): Disposable {
    this.#expected += 1;
    if (this.#expected === 1) {
      this.heard();
      this.#pings = setInterval(() => this.#ask(), pingEveryMs);
    }
    return {
      [Symbol.dispose]: () => {
        this.#expected -= 1;
        if (this.#expected === 0) this.end();
      },
    };
  }

  end(): void {
    clearInterval(this.#pings);
  }

  #ask(): void {
    if (this.silentMs < this.#options.silenceMs) this.#options.ping();
    else this.#options.onSilence();
  }
}
