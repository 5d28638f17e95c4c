import type { Console } from "../console/index.ts";
import type { Deadline } from "../deadline.ts";
import {
  login,
  openLane,
  openSerialChannel,
  resumeLane,
  type CommandChannel,
  type IdleAgent,
} from "../guest/index.ts";

export interface ConnectOptions {
  readonly deadline: Deadline;
  readonly signal: AbortSignal | undefined;
  /** Only what the console shows since this mark counts. */
  readonly since: number;
  /** Where the sockets of the lane's ports stand; without it commands travel over the console. */
  readonly laneDirectory: string | undefined;
  /** By how much the guest is slower than one under KVM. */
  readonly timeoutScale: number;
}

/** A way for commands, and why it is not the lane where it is not. */
export interface Connection {
  readonly channel: CommandChannel;
  readonly laneRefusal: string | undefined;
}

// A guest that has run out of memory may not say a word for a minute, until its kernel kills something.
const silenceMs = 60_000;
const lanePatienceMs = 20_000;
// It only has to answer.
const resumePatienceMs = 2000;
const giveUpMs = 3000;

/** From the console of a guest that boots to a channel for commands: the lane, or else the console itself. */
export async function connect(console: Console, options: ConnectOptions): Promise<Connection> {
  const { deadline, signal, since } = options;
  const start = await login(console, {
    deadline,
    since,
    ...(signal === undefined ? {} : { signal }),
  });
  const connection = await openChannel(console, options);
  console.transcript.leaveOut({ start, end: console.mark() });
  return connection;
}

export interface ResumeOptions {
  /** The lane's agent in a guest that was saved, where it had nothing to do. */
  readonly agent: IdleAgent | undefined;
  /** Lets the guest run on, once QEMU has taken the connections to these character devices. */
  readonly proceed: (devices: readonly string[]) => Promise<void>;
}

/** To a channel of a guest that was saved: the lane that it had, or else from its console. */
export async function resume(
  console: Console,
  options: ConnectOptions,
  { agent, proceed }: ResumeOptions,
): Promise<Connection> {
  const { deadline, laneDirectory: directory, timeoutScale } = options;
  if (agent === undefined || directory === undefined) await proceed([]);
  else {
    const patienceMs = resumePatienceMs * timeoutScale;
    const silence = silenceMs * timeoutScale;
    const lane = await resumeLane(console, {
      directory,
      deadline,
      patienceMs,
      silenceMs: silence,
      agent,
      proceed,
    });
    if (lane !== undefined) {
      console.markBooted();
      return { channel: lane, laneRefusal: undefined };
    }
  }
  // The shell at the console has shown its prompt long ago; this makes it show another.
  console.sendLine("");
  return connect(console, options);
}

async function openChannel(
  console: Console,
  { deadline, laneDirectory, timeoutScale }: ConnectOptions,
): Promise<Connection> {
  const serialOptions = { deadline, giveUpMs: giveUpMs * timeoutScale };
  if (laneDirectory === undefined) {
    const channel = await openSerialChannel(console, serialOptions);
    return { channel, laneRefusal: "it was not wanted" };
  }
  const attempt = await openLane(console, {
    directory: laneDirectory,
    deadline,
    patienceMs: lanePatienceMs * timeoutScale,
    silenceMs: silenceMs * timeoutScale,
  });
  if (attempt.lane !== undefined) return { channel: attempt.lane, laneRefusal: undefined };
  const channel = await openSerialChannel(console, serialOptions);
  return { channel, laneRefusal: attempt.reason };
}
