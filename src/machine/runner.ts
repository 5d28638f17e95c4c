import type { CommandOptions, CommandResult } from "./command.ts";

/** How dryboot itself runs a command. */
export interface RunOptions extends CommandOptions {
  /** What messages say in place of the command, which no reader has written: `look at port 80 of web`. */
  readonly purpose?: string;
}

/** What subjects and waits need of a guest: its name for messages, its pace, and a way to run commands in it. */
export interface CommandRunner {
  readonly name: string;
  /** By how much the guest is slower than one under KVM; waits are as much longer. */
  readonly timeoutScale: number;
  /** Ends every wait. */
  readonly signal: AbortSignal | undefined;
  /** Never throws on an exit code; shell text runs with `set -euo pipefail`. */
  execute(command: string | readonly string[], options?: RunOptions): Promise<CommandResult>;
}
