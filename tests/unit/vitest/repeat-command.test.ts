import { join } from "node:path";
import { expect, test, type RunnerTestCase } from "vitest";
import { fullName, repeatCommand } from "../../../src/vitest/repeat-command.ts";

test("the command names the test as vitest's pattern matches it", ({ task }) => {
  const suite = { name: "front (page)", suite: undefined };
  const file = { filepath: join(process.cwd(), "tests/web's.test.ts") };
  const named = { ...task, name: "is 100 % there?", suite, file } as unknown as RunnerTestCase;
  expect(fullName(named, " > ")).toBe("front (page) > is 100 % there?");
  expect(repeatCommand(named)).toBe(
    String.raw`npx vitest run 'tests/web'\''s.test.ts' -t 'front \(page\) is 100 % there\?'`,
  );
});
