import { describeEnd, firstLine, section, type CommandResult } from "./command.ts";
import { LookCutOffError } from "./look.ts";
import type { Expectation } from "./observe.ts";
import type { CommandRunner } from "./runner.ts";

export interface CommandExpectation extends Expectation {
  latest(): CommandResult | undefined;
}

/** A command that is run again until it ends as wanted. */
export function commandExpectation(
  runner: CommandRunner,
  command: string,
  wanted: "to succeed" | "to fail",
): CommandExpectation {
  let latest: CommandResult | undefined;
  // What was expected of it stands behind it in the same line.
  const shown = firstLine(command, 60);
  return {
    runner,
    subject: `${runner.name}: ${shown}`,
    wanted,
    leastLookMs: 1_000,
    cutOff: "it did not end",
    async observe() {
      latest = await runner.execute(command).catch((error: unknown) => {
        // What it wrote until then is worth reading.
        if (error instanceof LookCutOffError) latest = error.result;
        throw error;
      });
      const saw = latest.failed ? describeEnd(latest).replace(/^command /, "") : "succeeded";
      return { holds: latest.failed === (wanted === "to fail"), saw };
    },
    async evidence() {
      if (latest === undefined) return [];
      return [
        ...(shown === command ? [] : section("command", command)),
        ...section("stderr", latest.stderr),
        ...section("stdout", latest.stdout),
      ];
    },
    latest: () => latest,
  };
}
