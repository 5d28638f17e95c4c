import type { Console, Exit } from "../console/index.ts";
import { Deadline } from "../deadline.ts";
import { GuestLostError, UsageError } from "../errors.ts";
import {
  createRunDirectory,
  restoreDisk,
  type Accelerator,
  type RunDirectory,
} from "../qemu/index.ts";
import type { Phase, Progress } from "./boot-phases.ts";
import { interrupted, startBoot, type Boot } from "./boot.ts";
import type { SavedGuest } from "./checkpoint.ts";
import type { CommandWay } from "./command-way.ts";
import type { Monitor } from "./monitor.ts";

export interface StartOptions {
  /** For messages. */
  readonly name: string;
  /** Absolute path of `bin/run-<host name>-vm`. */
  readonly runScript: string;
  readonly accelerator: Accelerator;
  /** Store path of the closure that is deployed. */
  readonly system?: string;
  /** Store path of the closure that the run script boots. */
  readonly vmSystem?: string;
  /** @default what the machine's configuration says */
  readonly memoryMiB?: number;
  readonly cores?: number;
  /** `restricted`: the guest has no way out to the network. @default "restricted" */
  readonly network?: "restricted" | "open";
  readonly kernelParameters?: readonly string[];
  /** Commands over a virtio-serial port of their own, where the guest has such ports. @default true */
  readonly lane?: boolean;
  /** How long a boot may take to its first command, the first one and later ones. @default 120000, and four times that under TCG */
  readonly timeoutMs?: number;
  readonly onProgress?: (progress: Progress) => void;
  /** Hears what a reader should know of a guest that has booted: its command lane was lost, another is in use. */
  readonly onNotice?: (notice: string) => void;
  /** Ends the start, and later every wait. */
  readonly signal?: AbortSignal;
  /** When the run directory stays. @default "on-failure" of the start */
  readonly keep?: "on-failure" | "always" | "never";
  /** What a user types to see the same again. */
  readonly repeatCommand?: string;
  /** Where a guest with the same options was saved: this one goes on from there and does not boot. @internal */
  readonly restores?: SavedGuest;
  /** How long that may take, where it is to be less than a boot. @internal */
  readonly restoreTimeoutMs?: number;
}

/** A guest, with everything that it holds on the host. */
export interface RunningGuest extends AsyncDisposable {
  readonly options: StartOptions;
  readonly directory: RunDirectory;
  /** Of the latest boot, as the monitor and the phases are. */
  readonly console: Console;
  readonly monitor: Monitor;
  readonly phases: readonly Phase[];
  /** Of the latest boot that came so far. */
  readonly commandWay: CommandWay;
  readonly isBooting: boolean;
  /** QEMU and the run script are gone. */
  readonly ended: boolean;
  /** Ends QEMU and all that the run script started; the guest's files on the host stay. */
  end(options?: { readonly graceMs?: number }): Promise<Exit>;
  /** Boots a guest that has ended once more, in the same directory; a boot that is under way is waited for. */
  bootAgain(timeoutMs?: number): Promise<void>;
  /** Ends the guest, and has it go on where it was saved. */
  restore(saved: SavedGuest, timeoutMs?: number): Promise<void>;
}

const bootPatienceMs = 120_000;

/** Boots a run script to its first command; what fails to start is ended and cleaned up before this throws. */
export async function bootGuest(options: StartOptions): Promise<RunningGuest> {
  const { name, signal, keep } = options;
  if (signal?.aborted) throw interrupted(name, signal);
  const directory = await createRunDirectory({ name });
  try {
    if (signal?.aborted) throw interrupted(name, signal);
    if (keep === "always") await directory.keep();
    const { restores, restoreTimeoutMs = Infinity } = options;
    const deadline = Deadline.after(patienceMs(options));
    if (restores !== undefined) await restoreDisk(directory, restores.directory);
    const boot = startBoot({
      options,
      directory,
      ...(restores === undefined
        ? { deadline }
        : { deadline: deadline.orAfter(restoreTimeoutMs), restores }),
    });
    return runningGuest({ options, directory }, boot, await boot.ready);
  } catch (error) {
    // Who can boot instead has no use for it.
    if (options.restores === undefined) await keepDirectoryIfLost(directory, options, error);
    // It must not hide the failure.
    await Promise.resolve(directory[Symbol.asyncDispose]()).catch(() => {});
    throw error;
  }
}

function patienceMs({ accelerator, timeoutMs }: StartOptions): number {
  return timeoutMs ?? bootPatienceMs * accelerator.timeoutScale;
}

async function keepDirectoryIfLost(
  directory: RunDirectory,
  { keep = "on-failure" }: StartOptions,
  error: unknown,
): Promise<void> {
  if (keep === "on-failure" && error instanceof GuestLostError) await directory.keep();
}

function runningGuest(
  parts: Pick<RunningGuest, "options" | "directory">,
  first: Boot,
  firstWay: CommandWay,
): RunningGuest {
  const { options, directory } = parts;
  let boot = first;
  let commandWay = firstWay;
  let booting: Promise<void> | undefined;
  let disposal: Promise<void> | undefined;
  const bootNow = async (deadline: Deadline, restores?: SavedGuest): Promise<void> => {
    // The run script has ended, but something that it started may not have.
    await boot.end();
    if (disposal !== undefined) {
      throw new UsageError(`${options.name} cannot be started again: its run directory is gone`);
    }
    if (restores !== undefined) await restoreDisk(directory, restores.directory);
    boot = startBoot({
      options,
      directory,
      deadline,
      previous: boot,
      ...(restores && { restores }),
    });
    try {
      commandWay = await boot.ready;
    } catch (error) {
      await keepDirectoryIfLost(directory, options, error);
      throw error;
    }
  };
  const end: RunningGuest["end"] = (ending) => boot.end(ending);
  return {
    ...parts,
    get console() {
      return boot.console;
    },
    get monitor() {
      return boot.monitor;
    },
    get phases() {
      return boot.phases;
    },
    get commandWay() {
      return commandWay;
    },
    get isBooting() {
      return booting !== undefined;
    },
    get ended() {
      return boot.ended;
    },
    end,
    bootAgain(timeoutMs = patienceMs(options)) {
      booting ??= bootNow(Deadline.after(timeoutMs)).finally(() => (booting = undefined));
      return booting;
    },
    async restore(saved, timeoutMs = patienceMs(options)) {
      await booting?.catch(() => {});
      booting = bootNow(Deadline.after(timeoutMs), saved).finally(() => (booting = undefined));
      await booting;
    },
    async [Symbol.asyncDispose]() {
      disposal ??= end().then(() => directory[Symbol.asyncDispose]());
      await disposal;
    },
  };
}
