import { GuestLostError, UsageError } from "../errors.ts";
import { firstLine, type CommandResult } from "./command.ts";
import type { RunningGuest } from "./guest.ts";
import type { RunOptions } from "./runner.ts";
import { quoteCommand, strict } from "./shell.ts";

const timeoutMs = 900_000;

/**
 * Runs a command on the guest's channel.
 * @throws GuestLostError, with the guest's first failure as the cause
 */
export async function runCommand(
  guest: RunningGuest,
  command: string | readonly string[],
  { purpose, ...options }: RunOptions,
): Promise<CommandResult<Uint8Array>> {
  if (typeof command !== "string" && !Array.isArray(command)) {
    throw new UsageError(`a command is a text or a list of words, not ${String(command)}`);
  }
  const shown = typeof command === "string" ? command : quoteCommand(command);
  const { signal } = guest.options;
  try {
    if (guest.console.failure !== undefined) throw guest.console.failure;
    const channel = await guest.commandWay.usable();
    const outcome = await channel.run({
      timeoutMs,
      ...options,
      command: typeof command === "string" ? strict(command) : command,
      ...(signal === undefined ? {} : { signal }),
    });
    return {
      ...outcome,
      stdout: plain(outcome.stdout),
      stderr: plain(outcome.stderr),
      command: purpose ?? shown,
      signal: outcome.signal,
      failed: outcome.exitCode !== 0 || outcome.timedOut,
    };
  } catch (error) {
    const failure = guest.console.failure ?? error;
    throw failure instanceof GuestLostError
      ? lost(guest, purpose ?? `run: ${firstLine(shown)}`, failure)
      : error;
  }
}

/** Every call on a lost guest says so itself, and has the guest's first failure as its cause. */
export function lost(guest: RunningGuest, doing: string, first: GuestLostError): GuestLostError {
  return new GuestLostError(`${guest.options.name}: ${first.message}; could not ${doing}`, {
    code: "GUEST_LOST",
    cause: first,
    details: first.details,
    ...(first.hint === undefined ? {} : { hint: first.hint }),
  });
}

/** Not a Buffer, which compares as different from the same bytes. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
