import type { TestError } from "vitest";
import { cleanText } from "../console/index.ts";
import { dataWithoutSecrets } from "../hidden-text.ts";
import { withoutOwnTyping } from "./evidence-text.ts";
import { framesOutside, leadsSomewhere, stackWith } from "./frames.ts";

/** A test that was over before its guest has an error that knows nothing of the guest. */
export function unsaid(reason: unknown, errors: readonly TestError[]): string[] {
  const [line = ""] = reason instanceof Error ? reason.message.split("\n") : [];
  return line === "" || errors.some(({ message }) => message.includes(line)) ? [] : ["", line];
}

/** Puts what dryboot's errors know beside their first line into the message, where every reporter shows it. */
export function explainErrors(errors: readonly TestError[]): void {
  for (const error of errors) {
    hideSecrets(error);
    const { details, hint } = error;
    if (Array.isArray(details)) {
      const lines = withoutOwnTyping(details.map(String));
      addBelow(error, ["", ...lines, ...(hint ? [hint] : [])].join("\n"));
    }
    pointOutside(error);
    // The error has said it already.
    if (error.cause && isOwn(error)) delete error.cause;
    leaveOutFields(error);
    if (error.cause) explainErrors([error.cause]);
  }
}

/** What a test compares holds secrets, and its difference is printed too. */
function hideSecrets(error: TestError): void {
  const { cause: _, ...shown } = error;
  const { message, stack } = error;
  Object.assign(error, dataWithoutSecrets({ ...shown, message, ...(stack && { stack }) }));
}

function isOwn({ details }: TestError): boolean {
  return Array.isArray(details);
}

const fields = ["details", "hint", "code", "exitCode", "result", "stdout", "stderr"] as const;

/** For programs; reporters would print them too, all output of a command among them. */
function leaveOutFields(error: TestError): void {
  if (!isOwn(error)) return;
  for (const field of fields) delete error[field];
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

/** The line that a reader looks for is in the test; where an error does not lead there, what caused it may. */
function pointOutside(error: TestError): void {
  const frames = framesOutside(error.stack);
  const telling = leadsSomewhere(frames) ? frames : framesOutside(error.cause?.stack);
  error.stack = stackWith(error, telling);
}
