import { expect, test } from "vitest";
import { currentLook } from "../../../src/machine/look.ts";
import {
  gatherEvidence,
  observeUntil,
  pendingWaits,
  type Expectation,
  type Observation,
} from "../../../src/machine/observe.ts";
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
        Math.round(deadline.totalMs / 1000),
      );
      looks += 1;
      return { holds: looks === 2, saw: "does not exist" };
    },
  };
  await observeUntil(expectation, { timeoutMs: 5000 });
  expect(during).toEqual([
    ["file /a of host, to exist: was never looked at"],
    5,
    ["file /a of host, to exist: does not exist"],
    5,
  ]);
  expect(pendingWaits(runner)).toEqual([]);
});

const runner = { ...hostRunner(), timeoutScale: 0.01 };

/** Shows one thing after the other; `undefined` is a look that does not come back. */
function showing(...looks: readonly (Observation | undefined)[]): Expectation {
  const left = [...looks];
  return {
    runner,
    subject: "it",
    wanted: "to be there",
    observe: () => {
      const look = left.length > 1 ? left.shift() : left[0];
      return look === undefined ? new Promise<never>(() => {}) : Promise.resolve(look);
    },
  };
}

test("a look that does not come back ends the wait at its limit, with what was seen before it", async () => {
  const never = await observeUntil(showing(undefined), { timeoutMs: 50 });
  expect(never).toMatchObject({ pass: false, timedOut: true, cutOff: true });
  expect(never.message).toMatch(
    /^it was expected to be there, but the look did not come back within 50 ms \(waited [\d.]+ m?s\)$/,
  );
  const later = await observeUntil(showing({ holds: false, saw: "is late" }, undefined), {
    timeoutMs: 60,
  });
  expect(later.saw).toMatch(/^is late, and then the look did not come back within [\d.]+ m?s$/);
  const denied = await observeUntil(showing(undefined), { timeoutMs: 0, holds: false });
  expect(denied).toMatchObject({ pass: false, cutOff: true });
});

test("a look with nothing left of its wait has the time that a look needs", async () => {
  const slow: Expectation = {
    ...showing(),
    leastLookMs: 20_000,
    async observe({ remainingMs }) {
      await new Promise((resolve) => setTimeout(resolve, 20));
      return { holds: remainingMs > 100, saw: "came back" };
    },
  };
  expect(await observeUntil(slow, { timeoutMs: 0 })).toMatchObject({ pass: true });
});

test("what a look that was cut off had begun is told to end", async () => {
  let signal: AbortSignal | undefined;
  const look: Expectation = {
    ...showing(),
    async observe() {
      await Promise.resolve();
      signal = currentLook()?.signal;
      return new Promise<never>(() => {});
    },
  };
  await observeUntil(look, { timeoutMs: 0 });
  expect(signal?.aborted).toBe(true);
  expect(currentLook()).toBeUndefined();
});

test("evidence that does not come is left out", async () => {
  const mute: Expectation = { ...showing(), evidence: () => new Promise<never>(() => {}) };
  expect(await gatherEvidence(mute, { sights: [], cutOff: true })).toEqual([]);
});

test("of what was never there the opposite does not hold, of what has gone it does", async () => {
  const gone = { holds: false, saw: "does not exist", hopeless: true, missing: true };
  const mistyped = await observeUntil(showing(gone), { holds: false });
  expect(mistyped).toMatchObject({ pass: false, timedOut: false, saw: "does not exist" });
  const ended = await observeUntil(showing({ holds: true, saw: "is there" }, gone), {
    holds: false,
  });
  expect(ended.pass).toBe(true);
});
