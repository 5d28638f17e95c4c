import { inject, type RunnerTestCase, type TestContext, type TestError } from "vitest";
import type { Evidence, Machine } from "../machine/index.ts";
import { addBelow, explainErrors, unsaid } from "./error-text.ts";
import { describeEvidence } from "./evidence-text.ts";
import { fullName, repeatCommand } from "./repeat-command.ts";
import { isPauseWanted, pauseAtFailure } from "./pause.ts";

export interface FailedTest {
  readonly task: Readonly<RunnerTestCase>;
  readonly annotate: TestContext["annotate"];
  /** The guests that the test used. */
  readonly machines: readonly Machine[];
  /** Of this try. */
  readonly errors: readonly TestError[];
  /** Why guests that it asked for did not start. */
  readonly failedStarts: readonly unknown[];
  readonly signal: AbortSignal;
}

declare module "vitest" {
  interface TaskMeta {
    /** What the guests of a test that failed looked like; reporters such as vitest's JSON pass it on. */
    dryboot?: { readonly evidence: readonly Evidence[] };
  }
}

/**
 * Puts below the error of a failed test what its guests looked like, leaves their run directories for the reader, and
 * with `--pause` or `DRYBOOT_PAUSE=1` the guests too until somebody has looked at them.
 */
export async function reportFailure(test: FailedTest): Promise<void> {
  const { task, errors, failedStarts } = test;
  if (task.result?.state !== "fail" || task.fails === true) return;
  // What a test has wrong itself, no guest explains.
  const isUsage = errors.length > 0 && errors.every(({ name }) => name === "UsageError");
  const machines = isUsage ? [] : test.machines;
  const title = errors[0]?.message.split("\n")[0] ?? "";
  explainErrors(errors);
  const repeat = repeatCommand(task);
  const evidence: Evidence[] = [];
  for (const machine of machines) {
    await machine.keepRunDirectory();
    evidence.push(await machine.collectEvidence());
  }
  const said = errors.map(({ message }) => message).join("\n");
  const { startTime: sinceMs = 0 } = task.result;
  const texts = [
    ...failedStarts.flatMap((reason) => unsaid(reason, errors)),
    ...evidence.flatMap((one) => ["", ...describeEvidence(one, { said, sinceMs })]),
    "",
    `again: ${repeat}`,
    ...(evidence.length === 0
      ? []
      : ["       with DRYBOOT_PAUSE=1 before it, the guest stays at the failure"]),
  ];
  // Every reporter shows the error, none of them all of the rest.
  if (errors[0] !== undefined) addBelow(errors[0], texts.map((line) => `\n${line}`).join(""));
  if (evidence.length > 0) task.meta.dryboot = { evidence };
  await attachFiles(test, evidence);
  if (isPauseWanted(inject("dryboot") ?? {})) {
    const living = machines.filter((_, index) => evidence[index]?.failure === undefined);
    if (living.length === 0) return;
    await pauseAtFailure(living, { test: fullName(task, " > "), title, signal: test.signal });
  }
}

/** Copies go where `attachmentsDir` says; reporters that know attachments show them. */
async function attachFiles(
  { task, annotate }: FailedTest,
  evidence: readonly Evidence[],
): Promise<void> {
  for (const { machine, screenshot, consoleLog } of evidence) {
    const files = [
      { what: "screen", path: screenshot, contentType: "image/png" },
      { what: "console", path: consoleLog, contentType: "text/plain" },
    ];
    for (const { what, path, contentType } of files) {
      if (path === undefined) continue;
      await annotateFailed(task, () =>
        annotate(`${machine}: ${what}`, "evidence", { path, contentType }),
      ).catch(() => {});
    }
  }
}

/** vitest takes annotations only while a test runs, and looks at that when it is called. */
function annotateFailed<T>(
  { result }: Readonly<RunnerTestCase>,
  annotate: () => Promise<T>,
): Promise<T> {
  if (result === undefined) return annotate();
  const { state } = result;
  result.state = "run";
  try {
    return annotate();
  } finally {
    result.state = state;
  }
}
