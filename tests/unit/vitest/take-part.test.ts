import { expect, test } from "vitest";
import type { TestProject } from "vitest/node";
import { longestTestMs } from "../../../src/vitest/settings.ts";
import { limitTests } from "../../../src/vitest/take-part.ts";

/** What limits a project's tests and hooks once dryboot has taken part. */
function limitsOf(timeoutScale: number, { testTimeout = longestTestMs, testLimitMs = 0 } = {}) {
  const config = { testTimeout, hookTimeout: longestTestMs, setupFiles: [] as string[] };
  const provided = new Map<string, unknown>();
  const provide = (name: string, value: unknown): void => void provided.set(name, value);
  const settings = testLimitMs === 0 ? {} : { testLimitMs };
  limitTests({ config, provide } as unknown as TestProject, settings, timeoutScale);
  return {
    test: provided.get("drybootTestLimitMs"),
    hook: config.hookTimeout,
    ofVitest: config.testTimeout,
  };
}

test("limits of tests and hooks are a quarter where guests run four times as fast", () => {
  expect(limitsOf(4)).toEqual({ test: 600_000, hook: 600_000, ofVitest: -1 });
  expect(limitsOf(1)).toEqual({ test: 150_000, hook: 150_000, ofVitest: -1 });
});

test("a limit that the user has set stays as it is", () => {
  expect(limitsOf(1, { testTimeout: 7 })).toMatchObject({ test: undefined, ofVitest: 7 });
  expect(limitsOf(1, { testLimitMs: 8 })).toMatchObject({ test: 8 });
});
