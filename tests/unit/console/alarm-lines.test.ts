import { expect, test } from "vitest";
import { alarmLines } from "../../../src/console/index.ts";

const hog = {
  name: "out of memory",
  severity: "hurt",
  explanation: "",
  advice: undefined,
  line: "Killed process 7 (hog)",
  excerpt: [],
} as const;

test("an alarm that comes again and again is one line, with how often it came", () => {
  const oops = { ...hog, name: "kernel oops", line: "Oops: 0002" };
  expect(alarmLines([hog, oops, hog, hog])).toEqual([
    "out of memory: Killed process 7 (hog) (3 times)",
    "kernel oops: Oops: 0002",
  ]);
});

test("of many different alarms the first ten are told, and how many there are besides", () => {
  const many = Array.from({ length: 25 }, (_, index) => ({ ...hog, line: `Killed ${index}` }));
  const lines = alarmLines(many);
  expect(lines).toHaveLength(11);
  expect(lines.at(9)).toBe("out of memory: Killed 9");
  expect(lines.at(10)).toBe("and 15 more");
});
