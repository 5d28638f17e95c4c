import { GuestLostError, UsageError } from "../errors.ts";
import { reveal } from "../secret.ts";
import { firstLine, textOf, type CommandResult } from "./command.ts";
import type { RunningGuest } from "./guest.ts";
import { currentLook, LookCutOffError } from "./look.ts";
import type { RunOptions } from "./runner.ts";
import { quoteCommand, strict } from "./shell.ts";

const defaultTimeoutMs = 900_000;

/**
 * Runs a command on the guest's channel.
 * @throws GuestLostError, with the guest's first failure as the cause; LookCutOffError where a look is over before it
 */
export async function runCommand(
  guest: RunningGuest,
  command: string | readonly string[],
  { purpose, environment, timeoutMs = defaultTimeoutMs, ...options }: RunOptions,
): Promise<CommandResult<Uint8Array>> {
  if (typeof command !== "string" && !Array.isArray(command)) {
    throw new UsageError(`a command is a text or a list of words, not ${String(command)}`);
  }
  const shown = typeof command === "string" ? command : quoteCommand(command);
  const look = currentLook();
  const lookMs = look?.commandDeadline?.remainingMs ?? Infinity;
  const signal = look?.signal ?? guest.options.signal;
  try {
    if (guest.console.failure !== undefined) throw guest.console.failure;
    const channel = await guest.commandWay.usable();
    look?.signal.throwIfAborted();
    const outcome = await channel.run({
      ...options,
      ...(environment === undefined ? {} : { environment: revealed(environment) }),
      timeoutMs: Math.min(timeoutMs, lookMs),
      command: typeof command === "string" ? strict(command) : command,
      ...(signal === undefined ? {} : { signal }),
    });
    const result = {
      ...outcome,
      stdout: plain(outcome.stdout),
      stderr: plain(outcome.stderr),
      command: purpose ?? shown,
      signal: outcome.signal,
      failed: outcome.exitCode !== 0 || outcome.timedOut,
    };
    if (result.timedOut && lookMs < timeoutMs) {
      throw new LookCutOffError(guest.options.name, textOf(result));
    }
    return result;
  } catch (error) {
    const failure = guest.console.failure ?? error;
    throw failure instanceof GuestLostError
      ? lost(guest, purpose ?? `run: ${firstLine(shown)}`, failure)
      : error;
  }
}

function revealed(environment: NonNullable<RunOptions["environment"]>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(environment).map(([name, value]) => [name, reveal(value)]),
  );
}

/** Every call on a lost guest says so itself, and has the guest's first failure as its cause. */
export function lost(guest: RunningGuest, doing: string, first: GuestLostError): GuestLostError {
  return new GuestLostError(`${guest.options.name}: ${first.message}; could not ${doing}`, {
    code: "GUEST_LOST",
    cause: first,
    details: first.details,
    hint: first.hint,
  });
}

/** Not a Buffer, which compares as different from the same bytes. */
function plain({ buffer, byteOffset, byteLength }: Uint8Array): Uint8Array {
  return new Uint8Array(buffer, byteOffset, byteLength);
}
