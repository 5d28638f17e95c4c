import { hideContent } from "../secret.ts";
import { startInBackground, type BackgroundCommand } from "./background.ts";
import {
  CommandFailedError,
  CommandSucceededError,
  textOf,
  type CommandOptions,
  type CommandResult,
} from "./command.ts";
import { commandExpectation } from "./command-expectation.ts";
import type { RunningGuest } from "./guest.ts";
import { waitFor } from "./observe.ts";
import { runCommand } from "./run-command.ts";
import type { CommandRunner } from "./runner.ts";
import { commandText, quoteArgument, type ShellArgument } from "./shell.ts";

export interface WriteOptions {
  /** The content is shown nowhere, as that of `secret(value)`. @default false */
  readonly secret?: boolean;
}

export interface WaitOptions {
  /** @default 120000, and four times that under TCG */
  readonly timeoutMs?: number;
}

const waitPatienceMs = 120_000;
const largestFileBytes = 64 * 1024 * 1024;

/** What a machine can be told to run; names and meaning are those of the NixOS test driver where it has them. */
export abstract class GuestCommands implements CommandRunner {
  /** The machine's name, for messages. */
  readonly name: string;
  protected readonly guest: RunningGuest;

  protected constructor(guest: RunningGuest) {
    this.guest = guest;
    this.name = guest.options.name;
  }

  /** By how much waits are longer than on a guest under KVM. */
  get timeoutScale(): number {
    return this.guest.options.accelerator.timeoutScale;
  }

  /** Ends every wait. */
  get signal(): AbortSignal | undefined {
    return this.guest.options.signal;
  }

  /** Runs shell text with its interpolations quoted. @throws CommandFailedError */
  $(strings: TemplateStringsArray, ...values: readonly ShellArgument[]): Promise<CommandResult> {
    return this.run(commandText(strings, values));
  }

  /**
   * Runs a command: shell text for bash with `set -euo pipefail`, or an argument vector that no shell reads.
   * @throws CommandFailedError where it does not end with exit code 0
   */
  run(
    command: string | readonly string[],
    options: CommandOptions & { readonly encoding: "buffer" },
  ): Promise<CommandResult<Uint8Array>>;
  run(command: string | readonly string[], options?: CommandOptions): Promise<CommandResult>;
  async run(
    command: string | readonly string[],
    { encoding, ...options }: CommandOptions & { readonly encoding?: "buffer" } = {},
  ): Promise<CommandResult | CommandResult<Uint8Array>> {
    const result = await runCommand(this.guest, command, options);
    if (result.failed) throw new CommandFailedError(this.name, textOf(result));
    return encoding === "buffer" ? result : textOf(result);
  }

  /** Like {@link run}, but an exit code is no error. */
  execute(
    command: string | readonly string[],
    options: CommandOptions & { readonly encoding: "buffer" },
  ): Promise<CommandResult<Uint8Array>>;
  execute(command: string | readonly string[], options?: CommandOptions): Promise<CommandResult>;
  async execute(
    command: string | readonly string[],
    { encoding, ...options }: CommandOptions & { readonly encoding?: "buffer" } = {},
  ): Promise<CommandResult | CommandResult<Uint8Array>> {
    const result = await runCommand(this.guest, command, options);
    return encoding === "buffer" ? result : textOf(result);
  }

  /** Runs commands one after the other; gives what they wrote to stdout. @throws CommandFailedError */
  async succeed(...commands: readonly string[]): Promise<string> {
    let output = "";
    for (const command of commands) output += (await this.run(command)).stdout;
    return output;
  }

  /** Runs commands that must all fail; gives what they wrote to stdout. @throws CommandSucceededError */
  async fail(...commands: readonly string[]): Promise<string> {
    let output = "";
    for (const command of commands) {
      const result = await this.execute(command);
      if (!result.failed) throw new CommandSucceededError(this.name, result);
      if (result.timedOut) throw new CommandFailedError(this.name, result);
      output += result.stdout;
    }
    return output;
  }

  /** Runs a command until it succeeds; gives its stdout. @throws ExpectationError */
  async waitUntilSucceeds(command: string, options?: WaitOptions): Promise<string> {
    const expectation = commandExpectation(this, command, "to succeed");
    await waitFor(expectation, this.patience(options));
    return expectation.latest()?.stdout ?? "";
  }

  /** Runs a command until it fails; gives its stdout. @throws ExpectationError */
  async waitUntilFails(command: string, options?: WaitOptions): Promise<string> {
    const expectation = commandExpectation(this, command, "to fail");
    await waitFor(expectation, this.patience(options));
    return expectation.latest()?.stdout ?? "";
  }

  /** Starts shell text that runs on by itself; its `stream` hands out what it writes. */
  background(command: string): Promise<BackgroundCommand> {
    return startInBackground(this, command);
  }

  /** The content as text; `encoding: "buffer"` for bytes. @throws CommandFailedError */
  readFile(path: string, options: { readonly encoding: "buffer" }): Promise<Uint8Array>;
  readFile(path: string): Promise<string>;
  async readFile(
    path: string,
    options?: { readonly encoding: "buffer" },
  ): Promise<string | Uint8Array> {
    const { stdout } = await this.run(["cat", "--", path], {
      encoding: "buffer",
      maxOutputBytes: largestFileBytes,
    });
    return options === undefined ? new TextDecoder().decode(stdout) : stdout;
  }

  /** Writes a whole file; the directory must exist. @throws CommandFailedError */
  async writeFile(
    path: string,
    content: string | Uint8Array,
    { secret = false }: WriteOptions = {},
  ): Promise<void> {
    if (secret) hideContent(content, `the secret for ${path}`);
    await this.run(`cat >${quoteArgument(path)}`, { stdin: content });
  }

  protected patience({ timeoutMs = waitPatienceMs * this.timeoutScale }: WaitOptions = {}): {
    readonly timeoutMs: number;
  } {
    return { timeoutMs };
  }
}
