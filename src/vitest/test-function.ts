import { createRequire } from "node:module";
import { pathToFileURL } from "node:url";
import type { RunnerTestCase } from "vitest";

type Run = () => unknown;

interface Runner {
  readonly getFn: (task: Readonly<RunnerTestCase>) => Run;
  readonly setFn: (task: Readonly<RunnerTestCase>, run: Run) => void;
}

/** Of the very copy that vitest runs with: it is vitest's dependency, and of what vitest itself exports 4.1 has but one. */
const runner: Runner = await import(
  pathToFileURL(
    createRequire(createRequire(import.meta.url).resolve("vitest/package.json")).resolve(
      "@vitest/runner",
    ),
  ).href
);

/** What runs a test with its fixtures. */
export const runOf: Runner["getFn"] = runner.getFn;
export const setRun: Runner["setFn"] = runner.setFn;
