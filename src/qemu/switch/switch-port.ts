import { rm } from "node:fs/promises";
import { createServer, type Socket } from "node:net";
import { once } from "node:events";
import { frameReader, framed, FrameStreamError } from "./frame-stream.ts";

/** A socket of the switch, for the card of one guest. QEMU may come, go and come again. */
export interface SwitchPort extends AsyncDisposable {
  /** Gives a frame to the guest; lost where no QEMU is there, or where it does not keep up. */
  send(frame: Uint8Array): void;
}

/** What waits for one guest; a switch drops what comes then. */
const longestQueueBytes = 4 * 1024 * 1024;

/** Listens on a Unix socket, which has room for one QEMU. */
export async function openSwitchPort(
  socketPath: string,
  onFrame: (frame: Buffer) => void,
): Promise<SwitchPort> {
  let card: Socket | undefined;
  const server = createServer((socket) => {
    card?.destroy();
    card = socket;
    const read = frameReader();
    socket.on("data", (chunk: Buffer) => {
      try {
        for (const frame of read(chunk)) onFrame(frame);
      } catch (error) {
        if (!(error instanceof FrameStreamError)) throw error;
        socket.destroy();
      }
    });
    // The end of QEMU is noticed elsewhere.
    socket.on("error", () => {});
    socket.on("close", () => {
      if (card === socket) card = undefined;
    });
  });
  // An open network keeps no program alive.
  server.unref();
  await rm(socketPath, { force: true });
  server.listen(socketPath);
  await once(server, "listening");
  return {
    send(frame) {
      if (card === undefined || card.writableLength > longestQueueBytes) return;
      card.write(framed(frame));
    },
    async [Symbol.asyncDispose]() {
      card?.destroy();
      if (!server.listening) return;
      server.close();
      await once(server, "close");
    },
  };
}
