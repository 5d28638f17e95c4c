import {
  attach,
  type AttachedTerminal,
  type ConsoleMatch,
  type Pattern,
} from "../console/index.ts";
import { Deadline } from "../deadline.ts";
import { ConsoleTimeoutError, GuestLostError } from "../errors.ts";
import { withoutSecrets } from "../hidden-text.ts";
import type { RunningGuest } from "./guest.ts";
import { currentLook } from "./look.ts";
import type { CommandRunner } from "./runner.ts";

export interface ConsoleExpectOptions {
  /** A mark; only what the console shows after it counts. @default the start of the console */
  readonly since?: number;
  /** @default 120000, and four times that under TCG */
  readonly timeoutMs?: number;
}

/** The guest's serial console: dryboot's own shell runs on it, so typing is for guests that ask something. */
export interface MachineConsole {
  /** Waits for a text or a pattern, and takes nothing away. @throws ConsoleTimeoutError, GuestLostError */
  expect(
    pattern: Pattern | readonly Pattern[],
    options?: ConsoleExpectOptions,
  ): Promise<ConsoleMatch>;
  /** Types text as it is; a line ends with `\r`. */
  send(input: string | Uint8Array): void;
  /** A place in the transcript, for `since`. */
  mark(): number;
  /** The plain text so far, or since a mark, without secrets; `expect` sees them. */
  transcript(since?: number): string;
  /**
   * Gives a terminal to the console until Ctrl-] was pressed three times, or the guest ends. Commands over the lane go
   * on meanwhile; those over the console wait, and need the shell's prompt to be there when the terminal is left.
   */
  attach(terminal: AttachedTerminal): ReturnType<typeof attach>;
}

const patienceMs = 120_000;

export function machineConsole(
  guest: Pick<RunningGuest, "console" | "commandWay">,
  { name, timeoutScale, signal }: Pick<CommandRunner, "name" | "timeoutScale" | "signal">,
): MachineConsole {
  return {
    async expect(pattern, { since, timeoutMs = patienceMs * timeoutScale } = {}) {
      const ends = currentLook()?.signal ?? signal;
      try {
        return await guest.console.expect(pattern, {
          deadline: Deadline.after(timeoutMs),
          ...(since === undefined ? {} : { since }),
          ...(ends === undefined ? {} : { signal: ends }),
        });
      } catch (error) {
        throw named(error, name);
      }
    },
    send: (input) => guest.console.send(input),
    mark: () => guest.console.mark(),
    transcript: (since = 0) =>
      withoutSecrets(guest.console.transcript.since(since).text, { isCut: true }),
    async attach(terminal) {
      using _lent = guest.commandWay.lendConsole();
      return await attach(guest.console, terminal);
    },
  };
}

/** A console does not know whose it is; and whoever waits has a stack of his own. */
function named(error: unknown, name: string): unknown {
  if (error instanceof ConsoleTimeoutError) {
    const { details } = error;
    return new ConsoleTimeoutError(`${name}: ${error.message}`, { cause: error, details });
  }
  if (!(error instanceof GuestLostError)) return error;
  const { code, details, hint } = error;
  return new GuestLostError(`${name}: ${error.message}`, {
    code,
    cause: error,
    details,
    hint,
  });
}
