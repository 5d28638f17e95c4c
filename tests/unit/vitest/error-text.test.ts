import { expect, test } from "vitest";
import { addBelow, explainErrors } from "../../../src/vitest/error-text.ts";

const stackOf = (message: string, ...frames: readonly string[]): string =>
  [`Error: ${message}`, ...frames.map((frame) => `    at ${frame}`)].join("\n");

test("a text stands below the message, and below the difference of a comparison", () => {
  const plain = { name: "Error", message: "wrong", stack: stackOf("wrong", "test.ts:1:1") };
  addBelow(plain, "\nmore\x1b]0;title\x07");
  expect(plain.message).toBe("wrong\nmore");
  expect(plain.stack).toBe(stackOf("wrong\nmore", "test.ts:1:1"));

  const compared = { name: "Error", message: "wrong", diff: "- one\n+ two\n\n", stack: "" };
  addBelow(compared, "\nmore");
  expect(compared).toMatchObject({ message: "wrong", diff: "- one\n+ two\nmore" });
});

test("what an error of dryboot knows becomes part of its text, and its frames lead to the test", () => {
  const own = new URL("../../../src/machine/machine.ts", import.meta.url).pathname;
  const error = {
    name: "CommandFailedError",
    message: "it failed",
    details: ["stderr:", "  why"],
    hint: "look there",
    stack: stackOf("it failed", `run (${own}:1:1)`, "/project/web.test.ts:7:3"),
    cause: { name: "Error", message: "it failed", stack: "" },
  };
  explainErrors([error]);
  expect(error.message).toBe("it failed\nstderr:\n  why\nlook there");
  expect(error.stack).toBe(stackOf(error.message, "/project/web.test.ts:7:3"));
  expect(error).not.toHaveProperty("details");
  expect(error).not.toHaveProperty("cause");
});
