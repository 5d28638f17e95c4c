import { setTimeout as sleep } from "node:timers/promises";
import { afterAll, beforeEach, describe, expect, test } from "vitest";
import { limitedByDryboot } from "../../../src/vitest/settings.ts";
import { limitTest, pauseLimits } from "../../../src/vitest/test-limit.ts";

const limitMs = 100;
const unlimited = { timeout: limitedByDryboot } as const;

beforeEach(({ task }) => limitTest(task, limitMs));

describe("a test that nobody has given a limit", () => {
  const aborted: unknown[] = [];
  let tries = 0;
  afterAll(() => {
    expect(tries).toBe(2);
    expect(aborted).toEqual([
      expect.objectContaining({ message: expect.stringMatching(/^Test timed out in 100ms/) }),
    ]);
  });

  test.fails("ends at dryboot's, its signal with it", unlimited, async ({ signal }) => {
    signal.addEventListener("abort", () => void aborted.push(signal.reason));
    await new Promise(() => {});
  });

  test("has all of it for the next try", { ...unlimited, retry: 1 }, async ({ signal }) => {
    tries += 1;
    expect(signal.aborted).toBe(false);
    await sleep(tries === 1 ? limitMs * 3 : 0);
  });

  test("is not charged with waiting for room", unlimited, async () => {
    using _waiting = pauseLimits();
    await sleep(limitMs * 3);
  });

  test.fails("has its limit again when the waiting is over", unlimited, async () => {
    const waiting = pauseLimits();
    const alsoWaiting = pauseLimits();
    await sleep(limitMs * 2);
    waiting[Symbol.dispose]();
    alsoWaiting[Symbol.dispose]();
    await sleep(limitMs * 3);
  });
});

test("a limit of its own is vitest's, not dryboot's", { timeout: 30_000 }, async () => {
  await sleep(limitMs * 2);
});
