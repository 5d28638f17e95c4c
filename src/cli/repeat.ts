import { basename, relative } from "node:path";
import { quoteWord } from "../shell-quote.ts";
import type { Io } from "./io.ts";

/** The command line that does the same again from the same directory. */
export function repeatCommand(
  { program, cwd, environment }: Pick<Io, "program" | "cwd" | "environment">,
  argv: readonly string[],
): string {
  return [...callOf(program, cwd, environment), ...argv.map(quoteWord)].join(" ");
}

function callOf(
  [node = "node", script = "dryboot"]: readonly string[],
  cwd: string,
  environment: Io["environment"],
): string[] {
  // npm puts its own directories of programs on PATH, the user's shell does not have them.
  if (basename(script) === "dryboot") {
    return environment["npm_execpath"] === undefined && !script.includes("/node_modules/")
      ? ["dryboot"]
      : ["npx", "dryboot"];
  }
  const path = relative(cwd, script);
  return [basename(node), quoteWord(path.startsWith("..") ? script : path)];
}
