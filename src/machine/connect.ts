import type { Console } from "../console/index.ts";
import type { Deadline } from "../deadline.ts";
import { login, openLane, openSerialChannel, type CommandChannel } from "../guest/index.ts";

export interface ConnectOptions {
  readonly deadline: Deadline;
  readonly signal: AbortSignal | undefined;
  /** Only what the console shows since this mark counts. */
  readonly since: number;
  /** Where the sockets of the lane's ports stand; without it commands travel over the console. */
  readonly laneDirectory: string | undefined;
}

/** A way for commands, and why it is not the lane where it is not. */
export interface Connection {
  readonly channel: CommandChannel;
  readonly laneRefusal: string | undefined;
}

/** From the console of a guest that boots to a channel for commands: the lane, or else the console itself. */
export async function connect(
  console: Console,
  { deadline, signal, since, laneDirectory }: ConnectOptions,
): Promise<Connection> {
  const options = { deadline, since, ...(signal === undefined ? {} : { signal }) };
  await login(console, options);
  if (laneDirectory === undefined) {
    return { channel: await openSerialChannel(console, options), laneRefusal: "it was not wanted" };
  }
  const attempt = await openLane(console, { directory: laneDirectory, deadline });
  if (attempt.lane !== undefined) return { channel: attempt.lane, laneRefusal: undefined };
  return { channel: await openSerialChannel(console, options), laneRefusal: attempt.reason };
}
