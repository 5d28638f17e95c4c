import { expect, test } from "vitest";
import { cut, renderTable } from "../../../src/report/index.ts";

test("columns are aligned, colours do not count", () => {
  const rows = [
    ["\x1b[32m✓\x1b[39m", "nginx.service", "is active"],
    ["!", "tcp port 80", "is let in"],
  ];
  expect(renderTable(rows, { columns: 80 })).toEqual([
    "\x1b[32m✓\x1b[39m  nginx.service  is active",
    "!  tcp port 80    is let in",
  ]);
});

test("the last column wraps below itself", () => {
  const rows = [["name", "one two three four five six seven eight"]];
  expect(renderTable(rows, { columns: 32 })).toEqual([
    "name  one two three four five",
    "      six seven eight",
  ]);
});

test("a terminal too narrow for columns gets the last one on lines of its own", () => {
  const rows = [["a-long-subject.service", "has failed (exit-code)"]];
  expect(renderTable(rows, { columns: 30 })).toEqual([
    "a-long-subject.service",
    "    has failed (exit-code)",
  ]);
});

test("a text is cut to the width of the terminal", () => {
  expect(cut("[  OK  ] Started Nginx", 10)).toBe("[  OK  ] …");
  expect(cut("short", 10)).toBe("short");
});
