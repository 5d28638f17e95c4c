import { setMaxListeners } from "node:events";
import { dirname } from "node:path";
import { Console, spawnPty, type Exit, type Transport } from "../console/index.ts";
import { Deadline, formatMs } from "../deadline.ts";
import { ConsoleTimeoutError, GuestLostError, InterruptedError } from "../errors.ts";
import { laneQemuArguments } from "../guest/index.ts";
import {
  createRunDirectory,
  hostError,
  recordingNotice,
  runScriptCall,
  type Accelerator,
  type RunDirectory,
} from "../qemu/index.ts";
import { trackPhases, type Phase, type Progress } from "./boot-phases.ts";
import { keepCommandWay, type CommandWay } from "./command-way.ts";
import { connect } from "./connect.ts";
import { watchMonitor, type Monitor } from "./monitor.ts";

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
  /** Until the first command can be run. @default 2 minutes from now, and four times that under TCG */
  readonly deadline?: Deadline;
  readonly onProgress?: (progress: Progress) => void;
  /** Hears what a reader should know of a guest that has booted: its command lane was lost, another is in use. */
  readonly onNotice?: (notice: string) => void;
  /** Ends the start, and later every wait. */
  readonly signal?: AbortSignal;
  /** When the run directory stays. @default "on-failure" of the start */
  readonly keep?: "on-failure" | "always" | "never";
  /** What a user types to see the same again. */
  readonly repeatCommand?: string;
}

/** A guest, with everything that it holds on the host. */
export interface RunningGuest extends AsyncDisposable {
  readonly options: StartOptions;
  readonly console: Console;
  readonly monitor: Monitor;
  readonly directory: RunDirectory;
  readonly phases: readonly Phase[];
  readonly commandWay: CommandWay;
  /** Ends QEMU and all that the run script started; the guest's files on the host stay. */
  end(options?: { readonly graceMs?: number }): Promise<Exit>;
}

const bootPatienceMs = 120_000;

/** Boots a run script to its first command; what fails to start is ended and cleaned up before this throws. */
export async function bootGuest(options: StartOptions): Promise<RunningGuest> {
  const { name, accelerator, signal, keep = "on-failure" } = options;
  if (signal?.aborted) throw interrupted(name, signal);
  const deadline = options.deadline ?? Deadline.after(bootPatienceMs * accelerator.timeoutScale);
  const phases = trackPhases(options.onProgress);
  const directory = await createRunDirectory({ name });
  const laneDirectory = (options.lane ?? true) ? directory.path : undefined;
  const releases: (() => PromiseLike<unknown>)[] = [() => directory[Symbol.asyncDispose]()];
  try {
    signal?.throwIfAborted();
    if (keep === "always") await directory.keep();
    const transport = spawnPty({
      file: options.runScript,
      ...runScriptCall({
        ...options,
        runDirectory: directory,
        qemuArguments: laneDirectory === undefined ? [] : laneQemuArguments(laneDirectory),
      }),
      marker: directory.marker,
    });
    directory.guard.watch(transport.pid);
    // Whatever is being waited for ends with the guest.
    const abort = (): void => void transport.terminate();
    signal?.addEventListener("abort", abort, { once: true });
    // So does every pending command: many of them are no leak.
    if (signal !== undefined) setMaxListeners(0, signal);
    releases.unshift(async () => signal?.removeEventListener("abort", abort));
    const console = new Console(transport, {
      recordIn: directory.path,
      onRecordingFailure: (error) => options.onNotice?.(recordingNotice(error, directory.path)),
      onLine: phases.line,
    });
    releases.unshift(() => console.terminate());
    let commandWay: CommandWay | undefined;
    const monitor = watchMonitor(console, {
      name,
      socket: directory.qmpSocket,
      deadline,
      onLaneClosed: () => commandWay?.laneClosed(),
    });
    releases.unshift(async () => monitor[Symbol.dispose]());
    const connection = await connect(console, {
      deadline,
      signal,
      since: 0,
      laneDirectory,
      timeoutScale: accelerator.timeoutScale,
    });
    signal?.removeEventListener("abort", abort);
    commandWay = keepCommandWay(console, connection, {
      name,
      timeoutScale: accelerator.timeoutScale,
      signal,
      laneDirectory,
      onNotice: options.onNotice ?? (() => {}),
    });
    const parts = { options, console, monitor, directory, commandWay };
    return runningGuest({ ...parts, phases: phases.end() }, transport);
  } catch (error) {
    const failure = signal?.aborted
      ? interrupted(name, signal)
      : failedStart(error, options, { phase: phases.current, directory, deadline });
    if (keep === "on-failure" && failure instanceof GuestLostError) await directory.keep();
    // Each is tried, and none hides the failure.
    for (const release of releases) await Promise.resolve(release()).catch(() => {});
    throw failure;
  }
}

function runningGuest(
  parts: Omit<RunningGuest, "end" | typeof Symbol.asyncDispose>,
  transport: Transport,
): RunningGuest {
  const { console, monitor, directory } = parts;
  let disposal: Promise<void> | undefined;
  const end: RunningGuest["end"] = async (ending = {}) => {
    console.expectEnd();
    await transport.terminate(ending);
    monitor[Symbol.dispose]();
    return console.exited;
  };
  return {
    ...parts,
    end,
    [Symbol.asyncDispose]: () => (disposal ??= end().then(() => directory[Symbol.asyncDispose]())),
  };
}

function interrupted(name: string, signal: AbortSignal): InterruptedError {
  return new InterruptedError(`${name}: interrupted during the boot`, { cause: signal.reason });
}

interface FailedStart {
  readonly phase: string;
  readonly directory: RunDirectory;
  readonly deadline: Deadline;
}

/** One line that says what happened to which machine in which phase, with what there is to look at below it. */
function failedStart(
  error: unknown,
  { name, keep = "on-failure", repeatCommand }: StartOptions,
  { phase, directory, deadline }: FailedStart,
): unknown {
  if (!(error instanceof GuestLostError || error instanceof ConsoleTimeoutError)) return error;
  // Before its first line nothing of this comes from the guest.
  const untested = phase === "qemu" ? hostError(error, dirname(directory.path)) : error;
  if (untested !== error) return untested;
  const where = `at ${phase}, after ${formatMs(deadline.elapsedMs)}`;
  return new GuestLostError(`${name}: ${error.message} (${where})`, {
    code: error instanceof ConsoleTimeoutError ? "BOOT_TIMEOUT" : error.code,
    cause: error,
    details: [
      ...error.details,
      ...(keep === "never" ? [] : [`Kept: ${directory.path} (console.log has the whole boot)`]),
      ...(repeatCommand === undefined ? [] : [`To see it again: ${repeatCommand}`]),
    ],
    ...(error.hint === undefined ? {} : { hint: error.hint }),
  });
}
