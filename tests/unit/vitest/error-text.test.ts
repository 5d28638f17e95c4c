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
    code: "COMMAND_FAILED",
    exitCode: 1,
    result: { stdout: "megabytes" },
    stack: stackOf("it failed", `run (${own}:1:1)`, "/project/web.test.ts:7:3"),
    cause: { name: "Error", message: "it failed", stack: "" },
  };
  explainErrors([error]);
  expect(error.message).toBe("it failed\nstderr:\n  why\nlook there");
  expect(error.stack).toBe(`CommandFailedError: ${error.message}\n    at /project/web.test.ts:7:3`);
  // Reporters print whatever else an error has.
  expect(Object.keys(error)).toEqual(["name", "message", "stack"]);
});

test("an error that does not lead to the test points where its cause does, and never into dryboot", () => {
  const own = new URL("../../../src/vitest/guests.ts", import.meta.url).pathname;
  const error = {
    name: "InterruptedError",
    message: "interrupted",
    stack: stackOf("interrupted", `startGuest (${own}:1:1)`),
    cause: { name: "Error", message: "why", stack: stackOf("why", "/project/web.test.ts:7:3") },
  };
  explainErrors([error]);
  expect(error.stack).toBe("InterruptedError: interrupted\n    at /project/web.test.ts:7:3");
});

test("a stack that a message quotes is no way to the test", () => {
  const message = "it failed\n    at quoted (/srv/app.js:1:1)\nin the guest";
  const error = { name: "Error", message, stack: stackOf(message, "/project/web.test.ts:7:3") };
  explainErrors([error]);
  expect(error.stack).toBe(stackOf(message, "/project/web.test.ts:7:3"));
});
