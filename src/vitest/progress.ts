import { formatMs } from "../deadline.ts";
import type { Progress } from "../machine/index.ts";

export interface SlowProgress {
  show(progress: Progress): void;
  /** What it is at now, in one line. */
  latest(): string | undefined;
  end(): void;
}

const quietMs = 5_000;
const betweenMs = 10_000;

/** Says now and then what a machine is at, once it takes longer than a reader likes to wait for nothing. */
export function slowProgress(
  name: string,
  write: (line: string) => void = (line) => void process.stderr.write(line),
): SlowProgress {
  const startedAtMs = performance.now();
  let latest: Progress | undefined;
  const describe = (): string | undefined =>
    latest?.detail ? `${latest.phase}: ${latest.detail.slice(0, 100)}` : latest?.phase;
  const show = (): void => {
    if (latest === undefined) return;
    write(`${name}: ${describe()} (${formatMs(performance.now() - startedAtMs)})\n`);
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
