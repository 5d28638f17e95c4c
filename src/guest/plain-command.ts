import type { CommandRequest } from "./channel.ts";
import { composeCommand } from "./compose.ts";
import { quoteWord } from "../shell-quote.ts";

/**
 * The text that an agent evaluates in the command's own process, on either way. A command of plain words needs no
 * shell of its own: a builtin is done in place, any other program takes the process over.
 */
export function composeForAgent(request: CommandRequest): string {
  const { command, environment, cwd, user } = request;
  const whole = composeCommand(request);
  if (typeof command !== "string" || environment !== undefined) return whole;
  if (cwd !== undefined || user !== undefined) return whole;
  const words = plainWords(command);
  const [name] = words;
  if (name === undefined || shellWords.has(name) || name.includes("=")) return whole;
  const line = words.join(" ");
  if (inPlace.has(name)) return line;
  if (name === "exit") return words.length === 2 && /^\d+$/.test(words[1] ?? "") ? line : whole;
  // What cannot be found is left to the shell, whose message for that is the one people know.
  return `hash -- ${quoteWord(name)} 2>&- && exec -- ${line}\n${whole}`;
}

// The options by which a failure inside of a script ends it mean nothing for one simple command.
const strictPrefix = /^set -euo pipefail\n/;
const onePlainLine = /^[\w@%+:,./=-]+(?: +[\w@%+:,./=-]+)*$/;

function plainWords(command: string): string[] {
  const text = command.replace(strictPrefix, "").trim();
  return onePlainLine.test(text) ? text.split(/ +/) : [];
}

const inPlace = new Set([":", "true", "false", "echo", "printf", "test"]);

/** Words that mean something to bash; as the first of a command they need a shell. */
const shellWords = new Set(
  (
    "alias bg bind break builtin caller cd command compgen complete compopt continue coproc declare " +
    "dirs disown do done elif else enable esac eval exec export fc fg fi for function getopts hash " +
    "help history if in jobs kill let local logout mapfile popd pushd pwd read readarray readonly " +
    "return select set shift shopt source suspend test then time times trap type typeset ulimit " +
    "umask unalias unset until wait while . case"
  ).split(" "),
);
