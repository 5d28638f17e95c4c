import { expect, test } from "vitest";
import { keysOf } from "../../../src/machine/typing.ts";

test("every printable character of ASCII is on an American keyboard", () => {
  const printable = Array.from({ length: 95 }, (_, index) => String.fromCharCode(32 + index));
  const strokes = printable.map((character) => keysOf(character).join("-"));
  expect(new Set(strokes).size).toBe(95);
  expect(["a", "A", "?", "\n"].map(keysOf)).toEqual([
    ["a"],
    ["shift", "a"],
    ["shift", "slash"],
    ["ret"],
  ]);
});

test("a character that is not on it is refused", () => {
  expect(() => keysOf("é")).toThrow('no key of an American keyboard makes "é"');
});
