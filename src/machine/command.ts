import { formatMs } from "../deadline.ts";
import { exitCodes, GuestError } from "../errors.ts";
import { dataWithoutSecrets, withoutSecrets } from "../hidden-text.ts";
import type { CommandInput, OutputListener } from "../guest/index.ts";
import type { Secret } from "../secret.ts";

/** What a command gave back; the shape is execa's. */
export interface CommandResult<Output extends string | Uint8Array = string> {
  /** The command as it can be typed into the guest's shell. */
  readonly command: string;
  /** `undefined` when a signal or the timeout ended it. */
  readonly exitCode: number | undefined;
  readonly signal: string | undefined;
  readonly stdout: Output;
  readonly stderr: Output;
  readonly durationMs: number;
  readonly timedOut: boolean;
  /** Output went over `maxOutputBytes`, and the rest was thrown away. */
  readonly truncated: boolean;
  /** Not ended with exit code 0. */
  readonly failed: boolean;
}

/** How a command is run in the guest. */
export interface CommandOptions {
  /** A `secret(value)` is shown nowhere. */
  readonly environment?: Readonly<Record<string, string | Secret>>;
  /** @default the home directory of the user */
  readonly cwd?: string;
  /**
   * Runs in a login session of this user.
   * @default "root"
   */
  readonly user?: string;
  /**
   * A source, such as a stream of Node's, is read as fast as the command reads; over the console it is read to its end
   * first.
   */
  readonly stdin?: CommandInput;
  /** @default 900000 */
  readonly timeoutMs?: number;
  /** How much of stdout and of stderr the result holds. @default 1048576 */
  readonly maxOutputBytes?: number;
  /**
   * Is given all output piece by piece, also beyond `maxOutputBytes`: over the lane while the command runs, over the
   * console at its end and up to `maxOutputBytes`. While the promise that it returns is pending, the command's next
   * write waits; when it throws, the command is ended and the call fails with that error.
   */
  readonly onOutput?: OutputListener;
}

/** A command of the guest ended with another exit code than 0, by a signal, or by its timeout. */
export class CommandFailedError extends GuestError {
  readonly code: "COMMAND_FAILED" | "COMMAND_TIMEOUT";
  readonly exitCode: 1 = exitCodes.failed;
  /** The result that went wrong, without secrets; the command's own exit code is in here. */
  readonly result: CommandResult;

  constructor(machine: string, result: CommandResult) {
    super(`${machine}: ${describeEnd(result)}: ${firstLine(result.command)}`, {
      details: [
        ...(result.command.includes("\n") ? section("command", result.command) : []),
        ...section("stderr", result.stderr),
        ...section("stdout", result.stdout),
      ],
    });
    this.code = result.timedOut ? "COMMAND_TIMEOUT" : "COMMAND_FAILED";
    this.result = dataWithoutSecrets(result);
  }

  get stdout(): string {
    return this.result.stdout;
  }

  get stderr(): string {
    return this.result.stderr;
  }
}

/** A command that had to fail ended with exit code 0. */
export class CommandSucceededError extends GuestError {
  readonly code = "ASSERTION" as const;
  readonly exitCode: 1 = exitCodes.failed;
  readonly result: CommandResult;

  constructor(machine: string, result: CommandResult) {
    super(`${machine}: command succeeded, but had to fail: ${firstLine(result.command)}`, {
      details: section("stdout", result.stdout),
    });
    this.result = dataWithoutSecrets(result);
  }
}

/** `command failed with exit code 3`, for the first line of a message. */
export function describeEnd(result: CommandResult<string | Uint8Array>): string {
  if (result.timedOut) return `command timed out after ${formatMs(result.durationMs)}`;
  if (result.signal !== undefined) return `command was ended by ${result.signal}`;
  if (result.exitCode === 126) return "command failed with exit code 126 (could not be started)";
  if (result.exitCode === 127) return "command failed with exit code 127 (not found)";
  return `command failed with exit code ${result.exitCode}`;
}

export function firstLine(text: string, maxLength = 200): string {
  const lines = withoutSecrets(text).trim().split("\n");
  const line = (lines[0] ?? "").trimEnd();
  return line.length > maxLength || lines.length > 1 ? `${line.slice(0, maxLength)} …` : line;
}

/** How the shell that starts commands names itself where one cannot be started. */
const ownShell = /^\/run\/dryboot\/\S+: line \d+: (?:exec: )?/gm;

/** The last lines of a command's output below a heading, or nothing when there is none. */
export function section(name: string, text: string, maxLines = 20): string[] {
  const shown = withoutSecrets(text, { isCut: true });
  const lines = shown.trimEnd().replace(ownShell, "bash: ").split("\n");
  if (lines.length === 1 && lines[0] === "") return [];
  const tail = lines.slice(-maxLines).map((line) => `  ${line.slice(0, 500)}`);
  const skipped = lines.length - tail.length;
  return [
    skipped > 0 ? `${name} (the last ${tail.length} of ${lines.length} lines):` : `${name}:`,
    ...tail,
  ];
}

/** The same result with its output read as UTF-8. */
export function textOf(result: CommandResult<Uint8Array>): CommandResult {
  const decoder = new TextDecoder();
  return {
    ...result,
    stdout: decoder.decode(result.stdout),
    stderr: decoder.decode(result.stderr),
  };
}
