import { expect, test } from "vitest";
import { spanMs } from "../../../../src/machine/subjects/timer.ts";

test.for([
  ["15min", 900_000],
  ["1h 2min 3.500s", 3_723_500],
  ["2d", 172_800_000],
  ["800ms", 800],
  ["0", undefined],
  ["infinity", undefined],
  ["", undefined],
] as const)("the span «%s» is read", ([text, ms]) => {
  expect(spanMs(text)).toBe(ms);
});
