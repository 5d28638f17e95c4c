import { randomUUID } from "node:crypto";
import { availableParallelism } from "node:os";
import { setTimeout } from "node:timers/promises";
import { InterruptedError } from "../errors.ts";
import { isAdmitted, type Capacity } from "./guest-admission.ts";
import { fileClaim, readClaims, type Claim, type ClaimFile } from "./guest-claims.ts";
import { availableMemoryMiB, totalMemoryMiB } from "./resources.ts";

export interface GuestSlotOptions {
  /** The guest's own memory. */
  readonly memoryMiB: number;
  /** The guest's virtual processors. */
  readonly cores: number;
  readonly signal?: AbortSignal;
  /** What keeps this slot until it ends: a test, a file of tests. @default nothing but itself */
  readonly holder?: string;
  /** Other holders that cannot end while this slot is waited for. */
  readonly blocks?: readonly string[];
  /** Called once, when the slot is not free at once, with the ids of the processes that have guests now. */
  readonly onWait?: (processes: readonly number[]) => void;
  /** Where all processes of a user look. @default below `XDG_RUNTIME_DIR` */
  readonly directory?: string;
  /** What is shared out. @default this host's memory, and its cores and one more */
  readonly capacity?: Capacity;
}

const memoryOfQemuMiB = 300;
const memoryForDrybootMiB = 1024;
// Guests often wait, for time or for the disk, and a core would have nothing to do meanwhile.
const sharedCores = 1;
const lookAgainMs = 200;
const beingWrittenMs = 5;

/** What the guests of all of a user's processes may take together. */
export function hostCapacity(): Capacity {
  return {
    memoryMiB: Math.max(0, totalMemoryMiB() - memoryForDrybootMiB),
    cores: availableParallelism() + sharedCores,
  };
}

/**
 * Waits until this host carries one more guest: first come first served among all processes of this user. A slot is
 * given back when it is disposed of, or its process dies. A guest too big for this host has it to itself.
 * @throws {InterruptedError} once the signal is aborted
 */
export async function acquireGuestSlot({
  memoryMiB,
  cores,
  signal,
  holder = randomUUID(),
  blocks = [],
  onWait,
  directory,
  capacity = hostCapacity(),
}: GuestSlotOptions): Promise<AsyncDisposable> {
  const file = await fileClaim(
    {
      memoryMiB: memoryMiB + memoryOfQemuMiB,
      cores: Math.min(cores, capacity.cores),
      holder: `${process.pid} ${holder}`,
      blocks: [holder, ...blocks].map((name) => `${process.pid} ${name}`),
    },
    directory,
  );
  try {
    await untilAdmitted(file, { capacity, signal, onWait });
    await file.hold();
  } catch (error) {
    await file.remove();
    throw error;
  }
  return { [Symbol.asyncDispose]: () => file.remove() };
}

export interface GuestRoomOptions extends Pick<
  GuestSlotOptions,
  "directory" | "capacity" | "signal"
> {
  /** The guest's own memory. */
  readonly memoryMiB: number;
  /** Called where the guests that run now leave less memory than this one may take. */
  readonly onShortage: (shortage: GuestShortage) => void;
}

export interface GuestShortage {
  readonly neededMiB: number;
  readonly leftMiB: number;
  /** The processes that have guests now. */
  readonly processes: readonly number[];
}

/**
 * Room for a guest at once, for somebody who sits before it: nobody is waited for. Guests that come later count its
 * memory, but not its cores, which mostly idle and may do so for hours.
 * @throws {InterruptedError} once the signal is aborted
 */
export async function takeGuestRoom({
  memoryMiB,
  onShortage,
  signal,
  directory,
  capacity = hostCapacity(),
}: GuestRoomOptions): Promise<AsyncDisposable> {
  const holder = `${process.pid} ${randomUUID()}`;
  const neededMiB = memoryMiB + memoryOfQemuMiB;
  const file = await fileClaim(
    { memoryMiB: neededMiB, cores: 0, holder, blocks: [holder] },
    directory,
  );
  try {
    await file.hold();
    const others = (await settledClaims(file, signal)).filter(
      ({ id, held }) => held && id !== file.claim.id,
    );
    const takenMiB = others.reduce((sum, other) => sum + other.memoryMiB, 0);
    const leftMiB = Math.max(0, Math.min(capacity.memoryMiB - takenMiB, availableMemoryMiB()));
    if (neededMiB > leftMiB) {
      onShortage({ neededMiB, leftMiB, processes: processesWithGuests(others) });
    }
  } catch (error) {
    await file.remove();
    throw error;
  }
  return { [Symbol.asyncDispose]: () => file.remove() };
}

interface Wait {
  readonly capacity: Capacity;
  readonly signal: AbortSignal | undefined;
  readonly onWait: GuestSlotOptions["onWait"];
}

async function untilAdmitted(file: ClaimFile, { capacity, signal, onWait }: Wait): Promise<void> {
  let told = false;
  for (;;) {
    const claims = await settledClaims(file, signal);
    const room = { ...capacity, freeMemoryMiB: availableMemoryMiB() };
    if (isAdmitted(file.claim, claims, room)) return;
    if (!told) onWait?.(processesWithGuests(claims));
    told = true;
    await setTimeout(lookAgainMs, undefined, signal === undefined ? {} : { signal }).catch(
      () => {},
    );
  }
}

async function settledClaims(
  { directory }: ClaimFile,
  signal?: AbortSignal,
): Promise<readonly Claim[]> {
  for (;;) {
    if (signal?.aborted === true) {
      throw new InterruptedError("interrupted while waiting for room for a guest", {
        cause: signal.reason,
      });
    }
    const claims = await readClaims(directory);
    if (claims !== undefined) return claims;
    // Somebody has come and not yet drawn a number, which may be lower.
    await setTimeout(beingWrittenMs);
  }
}

function processesWithGuests(claims: readonly Claim[]): number[] {
  const held = claims.filter((claim) => claim.held);
  return [...new Set(held.map(({ id }) => Number.parseInt(id, 10)))];
}
