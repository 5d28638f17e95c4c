import type { Socket } from "node:net";
import type { CommandInput } from "../channel.ts";
import { pieceHeadBytes } from "./agent.ts";

/** The input of a command on its way into the guest. */
export interface InputFeed {
  /** Nobody wants the rest of it. */
  stop(): void;
}

// The guest starts one program for each piece, and reads a piece to its end even when nobody wants it.
const maxPieceBytes = 2 * 1024 * 1024;

/**
 * Sends a command's input as it comes and as fast as the guest takes it. What comes while the guest
 * is busy is collected to one piece; when that is full, the source waits too.
 */
export function feedInput(
  socket: Socket,
  input: CommandInput,
  onError: (error: unknown) => void,
): InputFeed {
  const source = isWhole(input) ? undefined : input[Symbol.asyncIterator]();
  const collected = new Collected(isWhole(input) ? viewOf(input) : undefined);
  let isComplete = source === undefined;
  let isStopped = false;
  const waiting = new Set<() => void>();
  const change = (): Promise<void> => new Promise((resolve) => waiting.add(resolve));
  const changed = (): void => {
    for (const resolve of waiting) resolve();
    waiting.clear();
  };
  const collect = async (from: AsyncIterator<string | Uint8Array>): Promise<void> => {
    while (!isStopped) {
      const { done, value } = await from.next();
      if (done === true) break;
      collected.add(viewOf(value));
      changed();
      while (collected.length >= maxPieceBytes && !isStopped) await change();
    }
    isComplete = true;
    changed();
  };
  const send = async (): Promise<void> => {
    for (let isLast = false; !isLast && !socket.destroyed;) {
      while (collected.length === 0 && !isComplete && !isStopped) await change();
      const piece = collected.take(isStopped ? 0 : maxPieceBytes);
      changed();
      isLast = isStopped || (isComplete && collected.length === 0);
      if (!writePiece(socket, piece, isLast)) await drained(socket);
    }
  };
  void send();
  if (source !== undefined) collect(source).catch(onError);
  return {
    stop() {
      if (isStopped) return;
      isStopped = true;
      changed();
      // A source that never gives another piece cannot be waited for.
      if (!isComplete) void source?.return?.().catch(() => {});
    },
  };
}

/** Whether the socket wants more at once. */
function writePiece(socket: Socket, piece: Uint8Array, isLast: boolean): boolean {
  if (socket.destroyed) return false;
  const length = String(piece.length).padStart(pieceHeadBytes - 3, "0");
  const head = Buffer.from(`${length} ${isLast ? 0 : 1}\n`, "latin1");
  socket.cork();
  socket.write(head);
  const wantsMore = socket.write(piece);
  socket.uncork();
  return wantsMore;
}

async function drained(socket: Socket): Promise<void> {
  if (socket.destroyed) return;
  await new Promise<void>((resolve) => {
    const proceed = (): void => {
      socket.off("drain", proceed).off("close", proceed);
      resolve();
    };
    socket.on("drain", proceed).on("close", proceed);
  });
}

/** Bytes that came one after the other, to be taken in larger pieces. */
class Collected {
  #parts: Uint8Array[];
  length: number;

  constructor(first: Uint8Array = new Uint8Array()) {
    this.#parts = [first];
    this.length = first.length;
  }

  add(bytes: Uint8Array): void {
    this.#parts.push(bytes);
    this.length += bytes.length;
  }

  take(maxBytes: number): Uint8Array {
    const [only] = this.#parts;
    const all = this.#parts.length === 1 && only ? only : Buffer.concat(this.#parts);
    const rest = all.subarray(maxBytes);
    this.#parts = [rest];
    this.length = rest.length;
    return all.subarray(0, maxBytes);
  }
}

function isWhole(input: CommandInput): input is string | Uint8Array {
  return typeof input === "string" || input instanceof Uint8Array;
}

function viewOf(bytes: string | Uint8Array): Uint8Array {
  return typeof bytes === "string" ? Buffer.from(bytes) : bytes;
}
