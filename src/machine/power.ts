import { describeEndOfQemu } from "../console/index.ts";
import { formatMs, type Deadline } from "../deadline.ts";
import { CommandFailedError, textOf } from "./command.ts";
import { GuestLostError } from "../errors.ts";
import type { RunningGuest } from "./guest.ts";
import { ExpectationError } from "./observe.ts";
import { runCommand } from "./run-command.ts";

const bootBanner = [/SeaBIOS \(version /, /Linux version \d/, /<<< NixOS Stage 1 >>>/];

/** Boots the guest again. Its shell may be gone before its answer is, so the proof is another boot id. */
export async function rebootGuest(guest: RunningGuest, deadline: Deadline): Promise<void> {
  const before = await bootId(guest, deadline);
  const mark = guest.console.mark();
  guest.console.expectReboot();
  {
    using _ = guest.commandWay.suspend();
    await ask(guest, "reboot", deadline);
    await guest.commandWay.reconnect(mark, deadline).catch((error: unknown) => {
      throw notBack(guest, error);
    });
  }
  if ((await bootId(guest, deadline)) !== before) return;
  throw new ExpectationError(
    `${guest.options.name} was expected to boot again, but its boot id is still ${before}`,
    "WAIT_TIMEOUT",
    endOfConsole(guest),
  );
}

export async function shutDownGuest(guest: RunningGuest, deadline: Deadline): Promise<void> {
  const wishNoMore = guest.console.expectEnd();
  try {
    await ask(guest, "poweroff", deadline);
    await waitForEnd(guest, deadline);
  } finally {
    wishNoMore();
  }
}

/** Waits for the end of QEMU that the guest itself brings about. */
export async function waitForEnd(guest: RunningGuest, deadline: Deadline): Promise<void> {
  const wishNoMore = guest.console.expectEnd();
  const exit = await deadline.race(guest.console.exited);
  if (exit?.exitCode === 0) return;
  if (exit !== undefined) {
    const { message } = describeEndOfQemu(exit, guest.console.transcript.tail(8));
    throw new GuestLostError(
      `${guest.options.name} was expected to switch itself off, but ${message}`,
      { code: "GUEST_LOST", details: endOfConsole(guest) },
    );
  }
  wishNoMore();
  throw new ExpectationError(
    `${guest.options.name} was expected to switch itself off, but still runs after ${formatMs(deadline.totalMs)}`,
    "WAIT_TIMEOUT",
    endOfConsole(guest),
  );
}

function endOfConsole({ console }: RunningGuest): string[] {
  return ["The end of its console:", ...console.transcript.tail(15)];
}

/** The hints of a boot's failure are for one that somebody started. */
function notBack({ options: { name } }: RunningGuest, error: unknown): unknown {
  if (!(error instanceof GuestLostError)) return error;
  const { code, details } = error;
  const message = `${name} was expected to boot again, but ${error.message}`;
  return new GuestLostError(message, { code, cause: error, details });
}

/** The answer may be swept away by what the command began: the next boot, or the end, is as good. */
async function ask(guest: RunningGuest, command: string, deadline: Deadline): Promise<void> {
  const since = guest.console.mark();
  const answer = runCommand(guest, [command], { timeoutMs: deadline.remainingMs });
  const begun = guest.console.expect(bootBanner, { deadline, since });
  begun.catch(() => {});
  const result = await Promise.race([answer, begun.then(() => undefined)]).catch((error) => {
    // The agent is ended as everything is.
    if (guest.console.failure ?? guest.commandWay.channel.failure) return undefined;
    throw error;
  });
  if (result?.failed) throw new CommandFailedError(guest.options.name, textOf(result));
}

// A guest that has come back just in time may still answer.
const leastAnswerMs = 2000;

async function bootId(guest: RunningGuest, deadline: Deadline): Promise<string> {
  const { stdout } = await runCommand(guest, ["cat", "/proc/sys/kernel/random/boot_id"], {
    timeoutMs: Math.max(deadline.remainingMs, leastAnswerMs),
  });
  return new TextDecoder().decode(stdout).trim();
}
