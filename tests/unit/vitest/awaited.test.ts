import { describe, test } from "vitest";
import { File } from "../../../src/machine/index.ts";
import { expect } from "../../../src/vitest/matchers.ts";
import { whileHolding } from "../../../src/vitest/while-holding.ts";
import { hostRunner } from "../machine/host-runner.ts";

const root = new File(hostRunner(), "/");
const once = { timeoutMs: 0 } as const;

describe("a matcher that nobody waits for fails its test", () => {
  // Each of these holds: it is not the outcome that fails the test.
  test.fails("as it is", () => void expect(root).toExist(once));
  test.fails("with expect.soft", () => void expect.soft(root).toExist(once));
  test.fails("with something chained to it", () => {
    void expect(root)
      .toExist(once)
      .finally(() => {});
  });
});

test.fails("what goes on while a condition holds fails a test that does not wait for it", () => {
  void whileHolding(
    () => true,
    async () => {},
  );
});

describe("a matcher counts as awaited", () => {
  test("at once, with others, later, or with something chained to it", async () => {
    await expect(root).toExist(once);
    await expect.soft(root).toExist(once);
    await Promise.all([expect(root).toExist(once), expect(root).not.toHaveType("file", once)]);
    const later = expect(root).toExist(once);
    await new Promise((resolve) => setImmediate(resolve));
    await later;
    await expect(root)
      .toExist(once)
      .finally(() => {});
  });
  test("when a test returns it", () => expect(root).toExist(once));
});

test("the stack of one that does not hold leads to its line, wherever it is awaited", async () => {
  const failing = expect(root).not.toExist(once);
  const lineBelow = lineOf(new Error("here"));
  const error = await Promise.all([failing, expect(root).toExist(once)]).catch(
    (thrown: Error) => thrown,
  );
  expect(error).toBeInstanceOf(Error);
  expect(lineOf(error as Error)).toBe(lineBelow - 1);
});

/** Where this file is first in the stack of an error. */
function lineOf({ stack = "" }: Error): number {
  return Number(/awaited\.test\.ts:(\d+):/.exec(stack)?.[1]);
}
