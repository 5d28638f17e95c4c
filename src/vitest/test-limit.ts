import type { RunnerTestCase, TestContext } from "vitest";
import { clearTimeout, performance, setTimeout } from "../clock.ts";
import { stackWith } from "./frames.ts";
import { limitedByDryboot } from "./settings.ts";
import { runOf, setRun } from "./test-function.ts";

/** The time that a test has left. */
interface Limit {
  goOn(): void;
  standStill(): void;
}

const running = new Set<Limit>();
let waiting = 0;

/** While it is held no limit of this worker's tests runs: that other guests need long is no fault of a test. */
export function pauseLimits(): Disposable {
  waiting += 1;
  if (waiting === 1) for (const limit of running) limit.standStill();
  return {
    [Symbol.dispose]() {
      waiting -= 1;
      if (waiting === 0) for (const limit of running) limit.goOn();
    },
  };
}

/** Limits a test that nobody has given a limit; with `retry` each try anew. */
export function limitTest(task: Readonly<RunnerTestCase>, limitMs: number): void {
  if (task.timeout !== limitedByDryboot) return;
  const { context } = task;
  const run = runOf(task);
  const { signal } = context;
  const controller = new AbortController();
  // The test and its fixtures take it from here.
  setSignal(context, AbortSignal.any([signal, controller.signal]));
  context.onTestFinished(() => {
    setRun(task, run);
    setSignal(context, signal);
  });
  setRun(task, () =>
    within(limitMs, run, (error) => {
      pointTo(task, error);
      controller.abort(error);
    }),
  );
}

function setSignal(context: TestContext, value: AbortSignal): void {
  Object.defineProperty(context, "signal", { value, configurable: true });
}

/** The line of the test; where it waits is told below. */
function pointTo({ file, location }: Readonly<RunnerTestCase>, error: Error): void {
  if (location === undefined) return;
  const { line, column } = location;
  error.stack = stackWith(error, [`    at ${file.filepath}:${line}:${column}`]);
}

async function within(
  limitMs: number,
  run: () => unknown,
  onEnd: (error: Error) => void,
): Promise<void> {
  let limit: Limit | undefined;
  try {
    await new Promise<void>((resolve, reject) => {
      limit = startLimit(limitMs, () => {
        const error = new Error(`Test timed out in ${limitMs}ms.\n${whichLimit}`);
        onEnd(error);
        reject(error);
      });
      Promise.resolve(run()).then(() => resolve(), reject);
    });
  } finally {
    if (limit !== undefined) running.delete(limit);
    limit?.standStill();
  }
}

const whichLimit =
  "That is dryboot's limit, which does not count waiting for other guests: testLimitMs of its settings.";

function startLimit(limitMs: number, onEnd: () => void): Limit {
  let leftMs = limitMs;
  let startedAtMs: number | undefined;
  let timer: NodeJS.Timeout | undefined;
  const limit: Limit = {
    goOn() {
      startedAtMs = performance.now();
      timer = setTimeout(onEnd, leftMs);
    },
    standStill() {
      clearTimeout(timer);
      if (startedAtMs !== undefined) leftMs -= performance.now() - startedAtMs;
      startedAtMs = undefined;
    },
  };
  running.add(limit);
  if (waiting === 0) limit.goOn();
  return limit;
}
