import { clearTimeout, performance, setInterval, setTimeout } from "../clock.ts";
import { formatMs } from "../deadline.ts";
import type { Progress } from "../machine/index.ts";

export interface SlowProgress {
  show(progress: Progress): void;
  /** What it is at now, in one line. */
  latest(): string | undefined;
  end(): void;
}

interface Rhythm {
  readonly quietMs: number;
  readonly betweenMs: number;
}

/**
 * Says now and then what a machine is at, once it takes longer than a reader likes to wait for nothing; the same thing
 * once.
 */
export function slowProgress(
  name: string,
  write: (line: string) => void = (line) => void process.stderr.write(line),
  { quietMs, betweenMs }: Rhythm = { quietMs: 5_000, betweenMs: 10_000 },
): SlowProgress {
  const startedAtMs = performance.now();
  let latest: Progress | undefined;
  const describe = (): string | undefined =>
    latest?.detail ? `${latest.phase}: ${latest.detail.slice(0, 100)}` : latest?.phase;
  let said: string | undefined;
  const show = (): void => {
    const text = describe();
    if (text === undefined || text === said) return;
    said = text;
    write(`${name}: ${text} (${formatMs(performance.now() - startedAtMs)})\n`);
  };
  let timer: NodeJS.Timeout | undefined = setTimeout(() => {
    show();
    timer = setInterval(show, betweenMs).unref();
  }, quietMs).unref();
  return {
    show(progress) {
      latest = progress;
    },
    latest: describe,
    end() {
      if (timer !== undefined) clearTimeout(timer);
      timer = undefined;
    },
  };
}
