import type { CommandChannel } from "../guest/index.ts";
import { strict } from "./shell.ts";

/** What processes in the background wrote after the command that started them had ended. */
export interface LateOutput {
  readonly command: string;
  readonly stdout: string;
  readonly stderr: string;
}

export function lateOutputOf(channel: CommandChannel): LateOutput[] {
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  const prefix = strict("");
  return channel.lateOutput().map(({ command, stdout, stderr }) => ({
    command: command.startsWith(prefix) ? command.slice(prefix.length) : command,
    stdout: text(stdout),
    stderr: text(stderr),
  }));
}
