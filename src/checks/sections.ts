import { randomUUID } from "node:crypto";
import { CommandFailedError } from "../machine/command.ts";
import type { CommandRunner, RunOptions } from "../machine/runner.ts";

/** Shell text for each of many questions; what one prints, and that it fails, is nothing to the others. */
export type Questions = Readonly<Record<string, string>>;

/**
 * Asks all of them in one round trip; gives what each printed.
 * @throws {CommandFailedError} where they are not answered in time: half an answer would be taken for a whole one
 */
export async function ask(
  guest: CommandRunner,
  questions: Questions,
  options: Required<Pick<RunOptions, "purpose" | "timeoutMs">>,
): Promise<(name: string) => string> {
  // Nothing that a unit writes about itself can pass for a heading.
  const mark = randomUUID();
  const result = await guest.execute(questionsCommand(mark, questions), {
    ...options,
    maxOutputBytes: 8 * 1024 * 1024,
  });
  if (result.timedOut) throw new CommandFailedError(guest.name, result);
  return parseSections(result.stdout, mark);
}

function questionsCommand(mark: string, questions: Questions): string {
  return Object.entries(questions)
    .map(([name, text]) => `printf '\\n%s %s\\n' ${mark} ${name}\n{\n${text}\n} || true`)
    .join("\n");
}

export function parseSections(text: string, mark: string): (name: string) => string {
  const sections = new Map(
    text.split(`\n${mark} `).map((section) => {
      const end = section.indexOf("\n");
      return [section.slice(0, end), section.slice(end + 1)];
    }),
  );
  return (name) => sections.get(name) ?? "";
}
