import { rm } from "node:fs/promises";
import { join } from "node:path";
import { UsageError } from "../errors.ts";
import type { SavedGuest } from "./checkpoint.ts";
import type { RunningGuest, StartOptions } from "./guest.ts";

export interface ForkWork<T> {
  /** Writes the guest as it is now into a directory of the host. */
  readonly save: (directory: string) => Promise<SavedGuest>;
  /** Starts one fork. */
  readonly start: (options: StartOptions) => Promise<T>;
}

/** The guests that go on from moments of one guest. */
export class Forks {
  readonly #guest: RunningGuest;
  #started = 0;

  constructor(guest: RunningGuest) {
    this.#guest = guest;
  }

  /**
   * Starts `count` of them, all from the same moment.
   * @throws UsageError where that is no count; whatever `save` and `start` throw, and then none of them is left
   */
  async start<T extends AsyncDisposable>(
    count: number,
    { save, start }: ForkWork<T>,
  ): Promise<T[]> {
    const { options, directory } = this.#guest;
    const { name } = options;
    if (!Number.isSafeInteger(count) || count < 1) {
      throw new UsageError(
        `${name} cannot be forked ${count} times: at least once, and a whole number`,
      );
    }
    // Of the guest's own start.
    const { restoreTimeoutMs: _, onProgress: __, ...lasting } = options;
    const names = Array.from({ length: count }, () => `${name}-fork${(this.#started += 1)}`);
    const moment = join(directory.checkpoints, names[0] ?? "");
    try {
      const restores = await save(moment);
      const starts = names.map((forkName) => start({ ...lasting, name: forkName, restores }));
      return await allOrNone(await Promise.allSettled(starts));
    } finally {
      // Those that were started have read it.
      await rm(moment, { recursive: true, force: true });
    }
  }
}

async function allOrNone<T extends AsyncDisposable>(
  starts: readonly PromiseSettledResult<T>[],
): Promise<T[]> {
  const started = starts.flatMap((one) => (one.status === "fulfilled" ? [one.value] : []));
  const failed = starts.find((one) => one.status === "rejected");
  if (failed === undefined) return started;
  await Promise.allSettled(started.map((one) => one[Symbol.asyncDispose]()));
  throw failed.reason;
}
