import { createRequire } from "node:module";
import { join } from "node:path";
import { pathToFileURL } from "node:url";
import { InterruptedError, UsageError } from "../errors.ts";
import type { Plugin } from "vitest/config";
import { commandLinePlugin, type DrybootSettings } from "./settings.ts";

export type { DrybootSettings } from "./settings.ts";

export interface SuiteOptions {
  /** The project whose vitest and configuration are used. */
  readonly cwd: string;
  /** Parts of the paths of test files, and vitest's own options. */
  readonly words: readonly string[];
  /** What goes before the project's configuration. */
  readonly settings: DrybootSettings;
  readonly signal: AbortSignal;
}

/**
 * Runs the tests of a project as its `vitest run` does.
 * @returns whether all of them passed
 * @throws {UsageError} where the project has no vitest, or one that cannot start
 */
export async function runSuite({ cwd, words, settings, signal }: SuiteOptions): Promise<boolean> {
  const { parseCLI, startVitest } = await vitestOf(cwd);
  const { filter, options } = parse(() => parseCLI(["vitest", "run", ...words]));
  const plugin: Plugin = {
    name: commandLinePlugin,
    api: settings,
    configureVitest({ vitest: starting }) {
      signal.addEventListener("abort", () => void starting.cancelCurrentRun("keyboard-input"));
    },
  };
  const vitest = await startVitest(
    "test",
    filter,
    { ...options, root: cwd },
    { plugins: [plugin] },
  ).catch((error: unknown) => {
    throw new UsageError(`the tests could not be started: ${firstLine(error)}`, { cause: error });
  });
  if (signal.aborted) throw new InterruptedError("the tests were interrupted");
  // vitest leaves it to the process to say that something failed outside of a test.
  return vitest.state.getCountOfFailedTests() === 0 && (process.exitCode ?? 0) === 0;
}

/** The project's own copy: its tests import it, and two copies know nothing of each other. */
async function vitestOf(cwd: string): Promise<typeof import("vitest/node")> {
  let path: string;
  try {
    path = createRequire(join(cwd, "package.json")).resolve("vitest/node");
  } catch (error) {
    throw new UsageError("vitest is not installed here", {
      cause: error,
      hint: "dryboot init adds it to package.json; then: npm install",
    });
  }
  return import(pathToFileURL(path).href);
}

function parse<T>(work: () => T): T {
  try {
    return work();
  } catch (error) {
    throw new UsageError(firstLine(error), { cause: error });
  }
}

function firstLine(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}
