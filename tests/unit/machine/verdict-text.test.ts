import { expect, test } from "vitest";
import { describeSights, describeVerdict } from "../../../src/machine/verdict-text.ts";
import { hostRunner } from "./host-runner.ts";

const expectation = {
  runner: hostRunner(),
  subject: "unit web.service of host",
  wanted: "to be active",
  observe: async () => ({ holds: false, saw: "" }),
};
const verdict = {
  holds: false,
  pass: false,
  elapsedMs: 1500,
  timedOut: true,
  cutOff: false,
  sights: [],
};

test("a message says what was wanted, what was there and since when, in one clean line", () => {
  const saw = "has failed (\x1b[31mred\x1b[0m\nlines)";
  expect(describeVerdict(expectation, { ...verdict, saw, forMs: 12_000 }, true)).toBe(
    "unit web.service of host was expected to be active, but has failed (red lines) (for 12 s; waited 1.5 s)",
  );
  expect(
    describeVerdict(expectation, { ...verdict, saw: "is", timedOut: false, cutOff: false }, false),
  ).toBe("unit web.service of host was expected not to be active, but is (known after 1.5 s)");
});

test("the way to what was seen last is shown where there is one, and bounded", () => {
  const sights = Array.from({ length: 12 }, (_, index) => ({
    afterMs: index * 100,
    saw: `state ${index}`,
  }));
  expect(describeSights(sights.slice(0, 1))).toEqual([]);
  expect(describeSights(sights)).toHaveLength(9);
  expect(describeSights(sights)[0]).toBe("seen (4 earlier left out):");
  expect(describeSights(sights.slice(0, 2))).toEqual([
    "seen:",
    "  after 0 ms    state 0",
    "  after 100 ms  state 1",
  ]);
});
