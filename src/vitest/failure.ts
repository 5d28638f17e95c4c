import type { RunnerTestCase, TestError } from "vitest";
import { cleanText } from "../console/index.ts";
import { quoteCommand, type Evidence, type Machine } from "../machine/index.ts";

/** Puts what dryboot's errors know beside their first line into the message, where every reporter shows it. */
export function explainErrors(errors: readonly TestError[]): void {
  for (const error of errors) {
    const { details, hint } = error;
    delete error["details"];
    delete error["hint"];
    if (Array.isArray(details)) {
      addToMessage(error, ["", ...details, ...(hint ? [hint] : [])].join("\n"));
    }
    // The error has said it already.
    if (error.cause && error.message.includes(error.cause.message)) delete error.cause;
    if (error.cause) explainErrors([error.cause]);
  }
}

/** Shows below the test's error what its guests looked like, and leaves their run directories for the reader. */
export async function addEvidence(
  errors: readonly TestError[],
  machines: readonly Machine[],
  repeat: string,
): Promise<void> {
  for (const machine of machines) {
    await machine.keepRunDirectory();
    const evidence = describeEvidence({
      ...(await machine.collectEvidence()),
      repeatCommand: repeat,
    });
    // Annotations are closed by now, and the error is what people read.
    if (errors[0]) addToMessage(errors[0], `\n\n${evidence}`);
  }
}

/** What a guest wrote is cleaned. Some reporters show the message, others the stack, which begins with it. */
function addToMessage(error: TestError, text: string): void {
  const { message } = error;
  error.message = message + cleanText(text);
  error.stack = error.stack?.replace(message, () => error.message) ?? "";
}

/** What a user types to run one test again. */
export function repeatCommand({ file, fullTestName }: RunnerTestCase): string {
  return quoteCommand(["npx", "vitest", "run", file.name, "-t", fullTestName]);
}

export function describeEvidence(evidence: Evidence): string {
  const { machine, consoleTail, alarms, failedUnits, runDirectory, repeatCommand } = evidence;
  const lines = [
    `${machine} when the test failed`,
    ...block("the end of the console", consoleTail),
    ...block("alarms", alarms),
    ...failedUnits.flatMap(({ name, status, journal }) => [
      ...block(`failed unit ${name}`, status.trimEnd().split("\n")),
      ...block(`its journal`, journal.trimEnd().split("\n")),
    ]),
    `kept: ${runDirectory}`,
    ...(repeatCommand === undefined ? [] : [`to see it again: ${repeatCommand}`]),
  ];
  return lines.join("\n");
}

function block(heading: string, lines: readonly string[]): string[] {
  const said = lines.filter((line) => line.trim() !== "");
  return said.length === 0 ? [] : [`${heading}:`, ...said.map((line) => `  ${line}`)];
}
