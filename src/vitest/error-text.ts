import { fileURLToPath } from "node:url";
import type { TestError } from "vitest";
import { cleanText } from "../console/index.ts";

/** A test that was over before its guest has an error that knows nothing of the guest. */
export function unsaid(reason: unknown, errors: readonly TestError[]): string[] {
  const [line = ""] = reason instanceof Error ? reason.message.split("\n") : [];
  return line === "" || errors.some(({ message }) => message.includes(line)) ? [] : ["", line];
}

/** Puts what dryboot's errors know beside their first line into the message, where every reporter shows it. */
export function explainErrors(errors: readonly TestError[]): void {
  for (const error of errors) {
    const { details, hint } = error;
    delete error["details"];
    delete error["hint"];
    if (Array.isArray(details)) {
      addBelow(error, ["", ...details, ...(hint ? [hint] : [])].join("\n"));
    }
    leaveOutOwnFrames(error);
    // The error has said it already.
    if (error.cause && error.message.includes(error.cause.message)) delete error.cause;
    if (error.cause) explainErrors([error.cause]);
  }
}

/**
 * Adds a text below all that an error says of itself, which for a comparison is the difference. Some reporters show
 * the message, others the stack, which begins with it. What a guest wrote is cleaned.
 */
export function addBelow(error: TestError, text: string): void {
  const { message, diff } = error;
  const cleaned = cleanText(text);
  error.stack = error.stack?.replace(message, () => message + cleaned) ?? "";
  if (typeof diff === "string") error.diff = diff.trimEnd() + cleaned;
  else error.message = message + cleaned;
}

const ownDirectory = fileURLToPath(new URL("..", import.meta.url));

/** The line that a reader looks for is in the test, wherever dryboot itself lies. */
function leaveOutOwnFrames(error: TestError): void {
  const lines = error.stack?.split("\n") ?? [];
  const isFrame = (line: string): boolean => /^\s+at /.test(line);
  const left = lines.filter((line) => !isFrame(line) || !line.includes(ownDirectory));
  if (left.some(isFrame)) error.stack = left.join("\n");
}
