import { setMaxListeners } from "node:events";
import { dirname } from "node:path";
import { Console, spawnPty, type Exit, type Transport } from "../console/index.ts";
import { formatMs, type Deadline } from "../deadline.ts";
import { ConsoleTimeoutError, GuestLostError, InterruptedError } from "../errors.ts";
import { laneQemuArguments } from "../guest/index.ts";
import {
  hostError,
  recordingNotice,
  restoreArguments,
  runScriptCall,
  type RunDirectory,
} from "../qemu/index.ts";
import { trackPhases, type Phase } from "./boot-phases.ts";
import { loadGuest, resumeGuest, setClock, type SavedGuest } from "./checkpoint.ts";
import { keepCommandWay, type CommandWay } from "./command-way.ts";
import { connect, resume, type Connection, type ConnectOptions } from "./connect.ts";
import type { StartOptions } from "./guest.ts";
import { watchMonitor, type Monitor } from "./monitor.ts";

/** One run of QEMU, from its first moment on. */
export interface Boot {
  readonly console: Console;
  readonly monitor: Monitor;
  /** None until it is ready. */
  readonly phases: readonly Phase[];
  /** The way to its first command; what does not come so far has ended before this rejects. */
  readonly ready: Promise<CommandWay>;
  /** QEMU and the run script are gone. */
  readonly ended: boolean;
  /** Ends QEMU and all that the run script started. */
  end(options?: { readonly graceMs?: number }): Promise<Exit>;
}

export interface BootOptions {
  readonly options: StartOptions;
  readonly directory: RunDirectory;
  readonly deadline: Deadline;
  /** The boot before this one, in the same directory. */
  readonly previous?: Boot;
  /** No boot: the guest goes on where it was saved, on the disk that it had then. */
  readonly restores?: SavedGuest;
}

/** Starts the run script and follows the boot. */
export function startBoot({ options, directory, deadline, previous, restores }: BootOptions): Boot {
  const { name, accelerator, signal } = options;
  const tracker = trackPhases(
    previous === undefined ? options.onProgress : undefined,
    restores === undefined ? "qemu" : "restore",
  );
  let phases: readonly Phase[] = [];
  let ended = false;
  const laneDirectory = (options.lane ?? true) ? directory.path : undefined;
  const transport = startRunScript(options, directory, [
    ...(laneDirectory === undefined ? [] : laneQemuArguments(laneDirectory)),
    ...(restores === undefined ? [] : restoreArguments(restores.directory)),
  ]);
  const surviveAbort = endOnAbort(transport, signal);
  let isLive = false;
  const console = new Console(transport, {
    recordIn: directory.path,
    ...(previous === undefined ? {} : { continues: previous.console }),
    onRecordingFailure: (error) => options.onNotice?.(recordingNotice(error, directory.path)),
    ...(restores?.consoleText === undefined ? {} : { replays: restores.consoleText }),
    onLine: (line) => {
      if (isLive) tracker.line(line);
    },
  });
  isLive = true;
  void console.exited.then(() => (ended = true));
  let commandWay: CommandWay | undefined;
  const monitor = watchMonitor(console, {
    name,
    socket: directory.qmpSocket,
    deadline,
    onLaneClosed: () => commandWay?.laneClosed(),
  });
  const end: Boot["end"] = async (ending = {}) => {
    console.expectEnd();
    await transport.terminate(ending);
    monitor[Symbol.dispose]();
    return console.exited;
  };
  const way = { signal, laneDirectory, timeoutScale: accelerator.timeoutScale };
  const reach = async (how: ConnectOptions): Promise<Connection> => {
    if (restores === undefined) return connect(console, how);
    await loadGuest(monitor, { place: directory, saved: restores }, deadline);
    const proceed = (devices: readonly string[]): Promise<void> => resumeGuest(monitor, devices);
    const connection = await resume(console, how, { agent: restores.agent, proceed });
    await setClock(connection.channel, deadline);
    return connection;
  };
  const getReady = async (): Promise<CommandWay> => {
    try {
      const connection = await reach({ deadline, since: console.mark(), ...way });
      const { onNotice = () => {} } = options;
      commandWay = keepCommandWay(console, connection, { name, onNotice, ...way });
      return commandWay;
    } catch (error) {
      const failure = signal?.aborted
        ? interrupted(name, signal)
        : failedStart(error, options, { phase: tracker.current, directory, deadline });
      await end().catch(() => {});
      throw failure;
    } finally {
      surviveAbort();
      phases = tracker.end();
    }
  };
  const ready = getReady();
  return {
    console,
    monitor,
    get phases() {
      return phases;
    },
    ready,
    get ended() {
      return ended;
    },
    end,
  };
}

function startRunScript(
  options: StartOptions,
  directory: RunDirectory,
  qemuArguments: readonly string[],
): Transport {
  const transport = spawnPty({
    file: options.runScript,
    ...runScriptCall({
      ...options,
      runDirectory: directory,
      qemuArguments,
    }),
    marker: directory.marker,
  });
  directory.guard.watch(transport.pid);
  return transport;
}

/** Whatever is being waited for ends with the guest. Returns what lets the guest live on. */
function endOnAbort(transport: Transport, signal: AbortSignal | undefined): () => void {
  const abort = (): void => void transport.terminate();
  signal?.addEventListener("abort", abort, { once: true });
  // Every pending command listens too: many of them are no leak.
  if (signal !== undefined) setMaxListeners(0, signal);
  return () => signal?.removeEventListener("abort", abort);
}

export function interrupted(name: string, signal: AbortSignal): InterruptedError {
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
    hint: error.hint,
  });
}
