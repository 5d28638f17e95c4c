import { createConnection, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Deadline } from "../deadline.ts";

/** QEMU's monitor: commands and events. The end of QEMU ends every wait on it. */
export interface Qmp extends Disposable {
  /** @throws QmpError when QEMU refuses the command, does not answer in time, or is gone */
  execute(command: string, options: QmpOptions): Promise<unknown>;
  /**
   * Resolves with the next wanted event that arrives after the call, or with `undefined` at the
   * deadline. QEMU may tell of several at once: who waits for the next and looks then misses some.
   * @throws QmpError when QEMU is gone; what `isWanted` throws
   */
  event(isWanted: (event: QmpEvent) => boolean, deadline: Deadline): Promise<QmpEvent | undefined>;
  /** Listens to all events. Returns what ends it. */
  onEvent(listener: (event: QmpEvent) => void): () => void;
}

export interface QmpOptions {
  readonly arguments?: Readonly<Record<string, unknown>>;
  readonly deadline: Deadline;
}

export interface QmpEvent {
  readonly name: string;
  readonly data: Readonly<Record<string, unknown>>;
}

/** QEMU's monitor did not do as it was told; who asked decides what that means for the guest. */
export class QmpError extends Error {
  override readonly name = "QmpError";
}

export interface QmpConnectOptions {
  /** Gives up when it settles: a QEMU that has ended will make no socket. */
  readonly until?: Promise<unknown>;
  /** Hears the events from the first on. */
  readonly onEvent?: (event: QmpEvent) => void;
}

/**
 * Connects to the monitor's socket, waiting until QEMU has made it.
 * @throws QmpError
 */
export async function connectQmp(
  path: string,
  deadline: Deadline,
  { until, onEvent }: QmpConnectOptions = {},
): Promise<Qmp> {
  const socket = await connect(path, deadline, until);
  const qmp = speakQmp(socket);
  if (onEvent !== undefined) qmp.onEvent(onEvent);
  try {
    await qmp.execute("qmp_capabilities", { deadline });
    return qmp;
  } catch (error) {
    qmp[Symbol.dispose]();
    throw error;
  }
}

type Answer = { readonly value: unknown } | { readonly error: QmpError };

function speakQmp(socket: Socket): Qmp {
  const pending = new Map<number, (answer: Answer) => void>();
  const listeners = new Set<(event: QmpEvent) => void>();
  let nextId = 1;
  readMessages(socket, {
    onEvent: (event) => {
      for (const listener of listeners) listener(event);
    },
    onAnswer: (id, answer) => pending.get(id)?.(answer),
  });
  const orEnd = watchEnd(socket);
  const onEvent = (listener: (event: QmpEvent) => void): (() => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return {
    onEvent,
    async execute(command, { arguments: args, deadline }) {
      const id = nextId++;
      const answered = new Promise<Answer>((resolve) => pending.set(id, resolve));
      const request = { execute: command, id, ...(args && { arguments: args }) };
      socket.write(`${JSON.stringify(request)}\n`);
      try {
        const answer = await orEnd(answered, deadline);
        if (answer === undefined) {
          throw new QmpError(`QEMU's monitor did not answer to ${command}`);
        }
        if ("error" in answer) throw answer.error;
        return answer.value;
      } finally {
        pending.delete(id);
      }
    },
    async event(isWanted, deadline) {
      let stop = (): void => {};
      const arrived = new Promise<QmpEvent>((resolve, reject) => {
        stop = onEvent((event) => {
          try {
            if (isWanted(event)) resolve(event);
          } catch (error) {
            reject(error);
          }
        });
      });
      return orEnd(arrived, deadline).finally(stop);
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

interface MessageListeners {
  readonly onEvent: (event: QmpEvent) => void;
  readonly onAnswer: (id: number, answer: Answer) => void;
}

function readMessages(socket: Socket, { onEvent, onAnswer }: MessageListeners): void {
  const lines = createInterface({ input: socket });
  lines.on("line", (line) => {
    const { event, id, data, error, return: value } = parseMessage(line);
    if (typeof event === "string") return onEvent({ name: event, data: asRecord(data) });
    const refusal = asRecord(error)["desc"];
    if (typeof id !== "number") return;
    onAnswer(id, typeof refusal === "string" ? { error: new QmpError(refusal) } : { value });
  });
  // Both say it when QEMU's death resets the connection, and the end is noticed elsewhere.
  lines.on("error", () => {});
  socket.on("error", () => {});
}

/** Waits that the end of QEMU ends: they give the value, `undefined` at the deadline, or a throw. */
function watchEnd(
  socket: Socket,
): <T>(wanted: Promise<T>, deadline: Deadline) => Promise<T | undefined> {
  const closed = new Promise<"closed">((resolve) => {
    socket.on("close", () => resolve("closed"));
  });
  return async (wanted, deadline) => {
    const first = await deadline.race(Promise.race([wanted.then((value) => ({ value })), closed]));
    if (first === "closed") throw new QmpError("QEMU's monitor is closed");
    return first?.value;
  };
}

async function connect(
  path: string,
  deadline: Deadline,
  until: Promise<unknown> | undefined,
): Promise<Socket> {
  let over = false;
  const stop = (): void => {
    over = true;
  };
  void until?.then(stop, stop);
  for (;;) {
    const attempt = new Promise<Socket | Error>((resolve) => {
      const socket = createConnection(path);
      socket.once("connect", () => resolve(socket));
      socket.once("error", resolve);
    });
    const result = await attempt;
    if (!(result instanceof Error)) return result;
    if (deadline.expired || over) {
      throw new QmpError("QEMU's monitor cannot be reached", { cause: result });
    }
    await deadline.sleep(50);
  }
}

/** What a message may hold; a line that is none holds nothing. */
interface Message {
  readonly event?: unknown;
  readonly data?: unknown;
  readonly id?: unknown;
  readonly return?: unknown;
  readonly error?: unknown;
}

function parseMessage(line: string): Message {
  try {
    return asRecord(JSON.parse(line));
  } catch {
    return {};
  }
}

/** Its fields, where it is an object. */
export function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
