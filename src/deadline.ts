import { clearTimeout, performance, setTimeout } from "./clock.ts";

/** A point in time that is passed down, so that nested waits share one limit. */
export class Deadline {
  readonly startedAtMs: number;
  readonly endsAtMs: number;

  private constructor(startedAtMs: number, endsAtMs: number) {
    this.startedAtMs = startedAtMs;
    this.endsAtMs = endsAtMs;
  }

  /** A deadline `ms` milliseconds from now; `Infinity` never ends. */
  static after(ms: number): Deadline {
    const now = performance.now();
    return new Deadline(now, now + ms);
  }

  get remainingMs(): number {
    return Math.max(0, this.endsAtMs - performance.now());
  }

  get elapsedMs(): number {
    return performance.now() - this.startedAtMs;
  }

  /** The whole span, for messages: what was asked for, without the rounding of two points in time. */
  get totalMs(): number {
    return Math.round((this.endsAtMs - this.startedAtMs) * 1000) / 1000;
  }

  get expired(): boolean {
    return this.remainingMs === 0;
  }

  /** The earlier of this deadline and `ms` from now. */
  orAfter(ms: number): Deadline {
    const other = Deadline.after(ms);
    return other.endsAtMs < this.endsAtMs ? other : this;
  }

  /** Resolves at the deadline with `undefined`, or with the promise's value before it. */
  async race<T>(promise: Promise<T>): Promise<T | undefined> {
    if (this.endsAtMs === Infinity) return promise;
    let timer: NodeJS.Timeout | undefined;
    const ended = new Promise<undefined>((resolve) => {
      timer = setTimeout(resolve, this.remainingMs, undefined);
    });
    try {
      return await Promise.race([promise, ended]);
    } finally {
      clearTimeout(timer);
    }
  }

  /** Sleeps `ms`, or until the deadline if that is earlier. */
  async sleep(ms: number): Promise<void> {
    await new Promise((resolve) => setTimeout(resolve, Math.min(ms, this.remainingMs)));
  }
}

/** `950 ms`, `12.3 s`, `4 min 10 s`, `3 h 39 min`: how every message writes a span. */
export function formatMs(ms: number): string {
  if (Math.round(ms) < 1000) return `${Math.round(ms)} ms`;
  if (ms < 60_000) return `${Number((ms / 1000).toFixed(1))} s`;
  const seconds = Math.round(ms / 1000);
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min ${seconds % 60} s`;
  const minutes = Math.round(seconds / 60);
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}
