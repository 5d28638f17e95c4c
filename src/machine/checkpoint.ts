import { createHash } from "node:crypto";
import { rm } from "node:fs/promises";
import { join } from "node:path";
import { now } from "../clock.ts";
import { Deadline } from "../deadline.ts";
import { GuestLostError, UsageError } from "../errors.ts";
import { laneAgentProgram, type CommandChannel, type IdleAgent } from "../guest/index.ts";
import {
  loadState,
  requireSavable as requireStateSavable,
  resumeState,
  saveState,
  type RunDirectory,
  type SavedState,
} from "../qemu/index.ts";
import type { RunningGuest } from "./guest.ts";
import { refusable, type Monitor } from "./monitor.ts";

/** A guest as it was at one moment, in files of the host. */
export interface SavedGuest {
  /** Its memory and its disk. */
  readonly directory: string;
  readonly state: SavedState;
  /** Of its command lane, where that had nothing to do. */
  readonly agent?: IdleAgent;
  /** What its console had shown, where the guest is restored by another process. */
  readonly consoleText?: string;
}

/** Names the agent that a saved guest has: another one would not be spoken to in the same way. */
export function agentVersion(): string {
  return createHash("sha256").update(laneAgentProgram()).digest("hex");
}

/** A moment of a guest that it can be taken back to. It ends with the guest. */
export interface Checkpoint extends AsyncDisposable {
  readonly takenAt: Date;
  /** On the host, below the guest's run directory. */
  readonly directory: string;
}

// 1 GB/s is what a disk mostly takes; a guest has some GB.
const savingMs = 120_000;

/**
 * Finds out whether a guest can be saved; it need not stand still for that.
 * @throws UsageError where QEMU cannot save it, or its commands take its console; GuestLostError where it is lost
 */
export async function requireSavable(guest: RunningGuest): Promise<void> {
  const { name } = guest.options;
  if (guest.commandWay.channel.kind !== "lane") {
    throw new UsageError(`${name} cannot be saved: its commands travel over its console`, {
      hint: "A restored guest has a shell there, and no command's other half.",
    });
  }
  await refusable(`${name} cannot be saved`, () =>
    guest.monitor.order("look whether it can be saved", (qmp, deadline) =>
      requireStateSavable(qmp, guest.directory, deadline),
    ),
  );
}

/**
 * Saves a guest to a directory, which is removed again where that fails.
 * @throws as {@link requireSavable} does
 */
export async function saveGuest(guest: RunningGuest, directory: string): Promise<SavedGuest> {
  await requireSavable(guest);
  const { channel } = guest.commandWay;
  try {
    const before = channel.idleAgent();
    const state = await refusable(`${guest.options.name} cannot be saved`, () =>
      guest.monitor.order("save the guest", (qmp) =>
        saveState(qmp, { place: guest.directory, directory }, Deadline.after(savingMs)),
      ),
    );
    const after = channel.idleAgent();
    // A command in between may have been under way in the guest that was saved.
    const wasIdle = before !== undefined && before.nextSerial === after?.nextSerial;
    return { directory, state, ...(wasIdle ? { agent: before } : {}) };
  } catch (error) {
    await rm(directory, { recursive: true, force: true });
    throw error;
  }
}

/** Waits until QEMU has read a guest's memory, which stands still until {@link resumeGuest}. */
export async function loadGuest(
  monitor: Monitor,
  { place, saved }: { readonly place: RunDirectory; readonly saved: SavedGuest },
  deadline: Deadline,
): Promise<void> {
  await unnamed(
    monitor.order("restore the guest", (qmp) =>
      loadState(qmp, { place, state: saved.state }, deadline),
    ),
  );
}

/** @param devices the character devices that somebody has connected to */
export async function resumeGuest(monitor: Monitor, devices: readonly string[]): Promise<void> {
  await unnamed(
    monitor.order("let the guest run on", (qmp, deadline) =>
      resumeState(qmp, { devices }, deadline),
    ),
  );
}

/** As all that happens on the way to the first command, it is named by whoever started the guest. */
async function unnamed(order: Promise<void>): Promise<void> {
  try {
    await order;
  } catch (error) {
    if (!(error instanceof GuestLostError && error.cause instanceof Error)) throw error;
    throw new GuestLostError(error.cause.message, { code: "GUEST_LOST", cause: error.cause });
  }
}

/** The guest's clock stood still while it was a file. @throws GuestLostError where it cannot be set */
export async function setClock(channel: CommandChannel, deadline: Deadline): Promise<void> {
  const seconds = (now() / 1000).toFixed(3);
  const command = ["date", "--utc", `--set=@${seconds}`];
  const { exitCode } = await channel.run({ command, timeoutMs: deadline.remainingMs });
  if (exitCode === 0) return;
  throw new GuestLostError("the clock of the restored guest could not be set", {
    code: "GUEST_LOST",
  });
}

/** The checkpoints that a guest's user takes. */
export class Checkpoints {
  readonly #guest: RunningGuest;
  readonly #saved = new Map<Checkpoint, SavedGuest>();
  #taken = 0;

  constructor(guest: RunningGuest) {
    this.#guest = guest;
  }

  async take(): Promise<Checkpoint> {
    this.#taken += 1;
    const directory = join(this.#guest.directory.checkpoints, String(this.#taken));
    const saved = await saveGuest(this.#guest, directory);
    const checkpoint: Checkpoint = {
      takenAt: new Date(now()),
      directory,
      [Symbol.asyncDispose]: async () => {
        this.#saved.delete(checkpoint);
        await rm(directory, { recursive: true, force: true });
      },
    };
    this.#saved.set(checkpoint, saved);
    return checkpoint;
  }

  /** @throws UsageError where it was not taken of this guest, or is gone */
  of(checkpoint: Checkpoint): SavedGuest {
    const saved = this.#saved.get(checkpoint);
    if (saved !== undefined) return saved;
    throw new UsageError(
      `${this.#guest.options.name} cannot be restored: the checkpoint is of another guest, or is gone`,
    );
  }
}
