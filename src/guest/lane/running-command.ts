import { performance } from "../../clock.ts";
import { Deadline } from "../../deadline.ts";
import { InterruptedError } from "../../errors.ts";
import type { CommandOutcome, CommandRequest } from "../channel.ts";
import { limitCommand } from "./command-limits.ts";
import { outcomeOf } from "./slot-outcome.ts";
import type { Slot, SlotResult } from "./slot.ts";
import type { Supervisor } from "./supervisor.ts";

/** A command that a worker was given, and who can end it. */
export interface RunningCommand {
  readonly slot: Slot;
  readonly serial: number;
  readonly result: Promise<SlotResult>;
  readonly supervisor: Supervisor;
  readonly graceMs: number;
  /** @throws GuestLostError when there is no agent any more that could end it */
  readonly requireAgent: () => void;
}

/**
 * Waits for a command for as long as it may take; then it is ended, and nobody hears of it any more.
 * @throws InterruptedError when the signal aborts
 * @throws GuestLostError when the lane is lost
 */
export async function awaitOutcome(
  running: RunningCommand,
  { timeoutMs = Infinity, signal }: Pick<CommandRequest, "timeoutMs" | "signal">,
): Promise<CommandOutcome> {
  const { slot, serial, result, supervisor, graceMs } = running;
  const startedAtMs = performance.now();
  using limits = limitCommand({
    timeoutMs,
    graceMs,
    signal,
    arm: (afterMs) => supervisor.arm(slot.index, serial, afterMs, graceMs),
    disarm: () => supervisor.disarm(slot.index),
  });
  try {
    const first = await Promise.race([result, limits.reached]);
    const durationMs = performance.now() - startedAtMs;
    if (typeof first === "object") return outcomeOf(first, durationMs);
    result.catch(() => {});
    if (first === "aborted") await interrupt(running);
    supervisor.kill(slot.index, serial, "KILL");
    if (first === "aborted") {
      throw new InterruptedError("the command was interrupted", { cause: signal?.reason });
    }
    running.requireAgent();
    return { exitCode: undefined, ...slot.peek(serial), timedOut: true, durationMs };
  } catch (error) {
    // Whoever listened to its output failed: nobody wants the rest.
    if (slot.isRunning(serial)) supervisor.kill(slot.index, serial, "KILL");
    throw error;
  } finally {
    slot.disregard(serial);
  }
}

/** As Ctrl-C would, with time to clean up. */
async function interrupt({
  slot,
  serial,
  result,
  supervisor,
  graceMs,
}: RunningCommand): Promise<void> {
  supervisor.kill(slot.index, serial, "INT");
  const ended = result.then(
    () => {},
    () => {},
  );
  await Deadline.after(graceMs).race(ended);
}
