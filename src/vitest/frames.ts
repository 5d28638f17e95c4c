import { fileURLToPath } from "node:url";

const ownFolder = new URL("..", import.meta.url);

/** A stack has it as a path, or as a URL, in which blanks and umlauts look otherwise. */
const ownNames = [fileURLToPath(ownFolder), ownFolder.href];

// Ten, as Node has it, end within dryboot where a matcher asks systemd, say.
Error.stackTraceLimit = Math.max(Error.stackTraceLimit, 50);

/**
 * The frames of a stack that lead a reader to the test: those of dryboot itself are left out, wherever it lies. A
 * message above them may quote another program's stack.
 */
export function framesOutside(stack = ""): string[] {
  const lines = stack.trimEnd().split("\n");
  const frames = lines.slice(lines.findLastIndex((line) => !/^\s+at /.test(line)) + 1);
  return frames.filter((frame) => !ownNames.some((name) => frame.includes(name)));
}

/** Some of it was written by whoever uses dryboot, rather than by a package. */
export function leadsSomewhere(frames: readonly string[]): boolean {
  return frames.some((frame) => !/node:|\/node_modules\//.test(frame));
}

/** A stack as an error has it, with other frames below what the error says. */
export function stackWith(
  { name = "Error", message }: { readonly name?: string; readonly message: string },
  frames: readonly string[],
): string {
  return [`${name}: ${message}`, ...frames].join("\n");
}
