import type { Console } from "../console/index.ts";
import type { Deadline } from "../deadline.ts";
import { login, openSerialChannel, type CommandChannel } from "../guest/index.ts";

export interface ConnectOptions {
  readonly deadline: Deadline;
  readonly signal: AbortSignal | undefined;
  /** Only what the console shows since this mark counts. */
  readonly since: number;
}

/** From the console of a guest that boots to a channel for commands. */
export async function connect(
  console: Console,
  { deadline, signal, since }: ConnectOptions,
): Promise<CommandChannel> {
  const options = { deadline, since, ...(signal === undefined ? {} : { signal }) };
  await login(console, options);
  return openSerialChannel(console, options);
}
