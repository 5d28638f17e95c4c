import { expect, test } from "vitest";
import { observeUntil, pendingWaits, type Expectation } from "../../../src/machine/observe.ts";
import { hostRunner } from "./host-runner.ts";

test("what is being waited for can be told as long as it is", async () => {
  const runner = hostRunner();
  const during: unknown[] = [];
  let looks = 0;
  const expectation: Expectation = {
    runner,
    subject: "file /a of host",
    wanted: "to exist",
    async observe(deadline) {
      during.push(
        pendingWaits(runner).map(({ text }) => text),
        deadline.totalMs,
      );
      looks += 1;
      return { holds: looks === 2, saw: "does not exist" };
    },
  };
  await observeUntil(expectation, { timeoutMs: 5000 });
  expect(during).toEqual([
    ["file /a of host, to exist: was never looked at"],
    5000,
    ["file /a of host, to exist: does not exist"],
    5000,
  ]);
  expect(pendingWaits(runner)).toEqual([]);
});
