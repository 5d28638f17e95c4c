import { expect, test } from "vitest";
import { Deadline, formatMs } from "../../src/deadline.ts";

test("a deadline ends the wait for a promise that never settles", async () => {
  await using _x = { async [Symbol.asyncDispose]() {} };
  await expect(Deadline.after(5).race(new Promise(() => {}))).resolves.toBeUndefined();
});

test("a nested deadline never outlives the outer one", () => {
  const outer = Deadline.after(100);
  expect(outer.orAfter(10_000)).toBe(outer);
  expect(outer.orAfter(10).endsAtMs).toBeLessThan(outer.endsAtMs);
});

test("spans are written in the unit that a reader expects", () => {
  expect([950, 12_340, 250_000, 13_160_000].map(formatMs)).toEqual([
    "950 ms",
    "12.3 s",
    "4 min 10 s",
    "3 h 39 min",
  ]);
});
