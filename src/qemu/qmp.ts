import { createConnection, type Socket } from "node:net";
import { createInterface } from "node:readline";
import type { Deadline } from "../deadline.ts";

/** QEMU's monitor, as far as dryboot needs it. */
export interface Qmp extends Disposable {
  /** @throws QmpError when QEMU refuses the command, does not answer in time, or is gone */
  execute(command: string, options: QmpOptions): Promise<unknown>;
  /** Resolves with the next event of one of these names that arrives after the call. */
  event(names: readonly string[], deadline: Deadline): Promise<QmpEvent | undefined>;
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

/** Connects to the monitor's socket, waiting until QEMU has made it. */
export async function connectQmp(path: string, deadline: Deadline): Promise<Qmp> {
  const socket = await connect(path, deadline);
  const qmp = speakQmp(socket);
  try {
    await qmp.execute("qmp_capabilities", { deadline });
    return qmp;
  } catch (error) {
    qmp[Symbol.dispose]();
    throw error;
  }
}

interface Pending {
  readonly resolve: (value: unknown) => void;
  readonly reject: (error: QmpError) => void;
}

function speakQmp(socket: Socket): Qmp {
  const pending = new Map<number, Pending>();
  const listeners = new Set<(event: QmpEvent) => void>();
  let nextId = 1;
  let closed = false;
  createInterface({ input: socket }).on("line", (line) => {
    const message = parseMessage(line);
    if (typeof message["event"] === "string") {
      const event = { name: message["event"], data: asRecord(message["data"]) };
      for (const listener of listeners) listener(event);
      return;
    }
    const request = typeof message["id"] === "number" ? pending.get(message["id"]) : undefined;
    if (request === undefined) return;
    const refusal = asRecord(message["error"])["desc"];
    if (typeof refusal === "string") request.reject(new QmpError(refusal));
    else request.resolve(message["return"]);
  });
  socket.on("error", () => {});
  socket.on("close", () => {
    closed = true;
    for (const { reject } of pending.values()) reject(new QmpError("QEMU's monitor is closed"));
  });

  const onEvent = (listener: (event: QmpEvent) => void): (() => void) => {
    listeners.add(listener);
    return () => void listeners.delete(listener);
  };
  return {
    onEvent,
    async execute(command, { arguments: args, deadline }) {
      if (closed) throw new QmpError("QEMU's monitor is closed");
      const id = nextId++;
      const answer = new Promise<{ readonly value: unknown }>((resolve, reject) => {
        pending.set(id, { resolve: (value) => resolve({ value }), reject });
      });
      socket.write(
        `${JSON.stringify({ execute: command, id, ...(args && { arguments: args }) })}\n`,
      );
      try {
        const answered = await deadline.race(answer);
        if (answered !== undefined) return answered.value;
        throw new QmpError(`QEMU's monitor did not answer to ${command}`);
      } finally {
        pending.delete(id);
      }
    },
    async event(names, deadline) {
      let stop = (): void => {};
      const arrived = new Promise<QmpEvent>((resolve) => {
        stop = onEvent((event) => {
          if (names.includes(event.name)) resolve(event);
        });
      });
      return deadline.race(arrived).finally(stop);
    },
    [Symbol.dispose]: () => void socket.destroy(),
  };
}

async function connect(path: string, deadline: Deadline): Promise<Socket> {
  for (;;) {
    const attempt = new Promise<Socket | Error>((resolve) => {
      const socket = createConnection(path);
      socket.once("connect", () => resolve(socket));
      socket.once("error", resolve);
    });
    const result = await attempt;
    if (!(result instanceof Error)) return result;
    if (deadline.expired) {
      throw new QmpError("QEMU's monitor cannot be reached", { cause: result });
    }
    await deadline.sleep(50);
  }
}

function parseMessage(line: string): Readonly<Record<string, unknown>> {
  try {
    return asRecord(JSON.parse(line));
  } catch {
    return {};
  }
}

function asRecord(value: unknown): Readonly<Record<string, unknown>> {
  return typeof value === "object" && value !== null ? { ...value } : {};
}
