import { CommandFailedError, section } from "./command.ts";
import { show } from "./compare.ts";
import type { Expectation } from "./observe.ts";
import type { CommandRunner } from "./runner.ts";

/** A text console of the guest's display, out of the kernel's own copy of it. */
export interface VirtualConsole {
  /** What it shows now, without the blanks at the ends of its lines. @throws CommandFailedError */
  text(): Promise<string>;
  /** @internal */
  showing(expected: string | RegExp): Expectation;
}

const script = 'stty -F "/dev/tty$1" size; cat "/dev/vcs$1"';

export function virtualConsole(runner: CommandRunner, number: number): VirtualConsole {
  const text = async (): Promise<string> => {
    const result = await runner.execute(["bash", "-c", script, "bash", String(number)], {
      purpose: `read tty${number}`,
    });
    if (result.failed) throw new CommandFailedError(runner.name, result);
    const [size = "", ...cells] = result.stdout.split("\n");
    return rowsOf(cells.join("\n"), Number(size.split(" ")[1]) || 80);
  };
  return {
    text,
    showing: (expected) => {
      let latest = "";
      return {
        runner,
        subject: `tty${number} of ${runner.name}`,
        wanted: `to show ${show(expected)}`,
        async observe() {
          latest = await text();
          const holds =
            typeof expected === "string" ? latest.includes(expected) : latest.search(expected) >= 0;
          const last = latest.trimEnd().split("\n").at(-1) ?? "";
          return { holds, saw: latest.trim() === "" ? "is blank" : `ends with ${show(last)}` };
        },
        evidence: async () => section(`tty${number}`, latest.trimEnd(), 60),
      };
    },
  };
}

/** The kernel has one byte a cell, and no ends of lines. */
function rowsOf(cells: string, columns: number): string {
  const rows: string[] = [];
  for (let at = 0; at < cells.length; at += columns) {
    rows.push(cells.slice(at, at + columns).trimEnd());
  }
  return rows.join("\n");
}
