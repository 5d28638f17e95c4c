import { relative } from "node:path";
import { inject, type RunnerTask, type RunnerTestCase } from "vitest";
import { quoteWords } from "../shell-quote.ts";

/** What a user types to run one test again. */
export function repeatCommand(task: Readonly<RunnerTestCase>): string {
  const file = relative(process.cwd(), task.file.filepath);
  const pattern = fullName(task, " ").replace(/[\\^$.*+?()[\]{}|]/g, String.raw`\$&`);
  const command = inject("drybootCommand") ?? ["npx", "vitest", "run"];
  return quoteWords([...command, file, "-t", pattern]);
}

/** The names of a test and of the suites around it, as `-t` compares them. */
export function fullName(
  { name, suite }: Pick<RunnerTask, "name" | "suite">,
  separator: string,
): string {
  return suite === undefined ? name : `${fullName(suite, separator)}${separator}${name}`;
}
