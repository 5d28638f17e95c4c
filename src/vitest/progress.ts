import { formatMs } from "../deadline.ts";
import type { Progress } from "../machine/index.ts";

export interface SlowProgress {
  show(progress: Progress): void;
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
  const show = (): void => {
    if (latest === undefined) return;
    const detail = latest.detail ? `: ${latest.detail.slice(0, 100)}` : "";
    write(`${name}: ${latest.phase}${detail} (${formatMs(performance.now() - startedAtMs)})\n`);
  };
  let timer: NodeJS.Timeout | undefined = setTimeout(() => {
    show();
    timer = setInterval(show, betweenMs).unref();
  }, quietMs).unref();
  return {
    show(progress) {
      latest = progress;
    },
    end() {
      if (timer !== undefined) clearTimeout(timer);
      timer = undefined;
    },
  };
}
