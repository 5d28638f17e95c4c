import { UsageError } from "../errors.ts";
import { quoteWord } from "../shell-quote.ts";

/** What may stand in a command template: a word, or several words that become one argument each. */
export type ShellArgument = string | number | readonly (string | number)[];

/** One argument, quoted for bash where it needs to be. */
export function quoteArgument(argument: string | number): string {
  return quoteWord(String(argument));
}

export function quoteCommand(argv: readonly (string | number)[]): string {
  return argv.map(quoteArgument).join(" ");
}

/**
 * The text of a command template as the shell is to see it, backslashes too; each interpolation is one quoted
 * argument, each array as many as it has.
 */
export function commandText(
  strings: TemplateStringsArray,
  values: readonly ShellArgument[],
): string {
  return strings.raw
    .map((raw, index) => {
      // These two can only be written with a backslash, which is the template's, not the shell's.
      const text = raw.replaceAll("\\`", "`").replaceAll("\\${", "${");
      if (index >= values.length) return text;
      const value = values[index];
      if (value === undefined || value === null) {
        throw new UsageError(`the command has ${value} in it, after: ${strings.raw[index]}`);
      }
      return text + (typeof value === "object" ? quoteCommand(value) : quoteArgument(value));
    })
    .join("");
}

/** As the NixOS test driver runs it: the first failure, a failure inside a pipe, and an unset variable all fail it. */
export function strict(text: string): string {
  return `set -euo pipefail\n${text}`;
}
