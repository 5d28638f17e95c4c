import { once } from "node:events";
import { connect, type Socket } from "node:net";
import type { Lane } from "../src/guest/lane/index.ts";

/** Commands as NixOS's test driver frames them, over a virtio console of the same guest. */
export interface DriverFraming extends Disposable {
  /** One command: its output as base64 on one line, then its status on another. */
  execute(command: string): Promise<{ readonly status: number; readonly output: Buffer }>;
}

export async function openDriverFraming(lane: Lane, hvcSocket: string): Promise<DriverFraming> {
  const socket = connect(hvcSocket);
  await once(socket, "connect");
  const { exitCode } = await lane.run({
    command:
      // systemd puts a login prompt there by itself; the driver's own machines do without.
      "systemctl stop serial-getty@hvc0 2>/dev/null; [ -c /dev/hvc0 ] && { setsid bash -c 'stty raw -echo; echo ready; exec bash --norc' " +
      "</dev/hvc0 >/dev/hvc0 2>/dev/null & }",
  });
  if (exitCode !== 0) throw new Error("the guest has no /dev/hvc0");
  const readLine = lineReader(socket);
  // The mode goes with the last who has the terminal open, so it is set by who keeps it open.
  while ((await readLine()).trim() !== "ready");
  return {
    async execute(command) {
      socket.write(
        `timeout 900 bash -c ${quoted(`set -euo pipefail; ${command}`)} | (base64 -w 0; echo)\n`,
      );
      const output = Buffer.from(await readLine(), "base64");
      socket.write("echo ${PIPESTATUS[0]}\n");
      return { status: Number(await readLine()), output };
    },
    [Symbol.dispose]() {
      socket.destroy();
    },
  };
}

function quoted(text: string): string {
  return `'${text.replaceAll("'", `'\\''`)}'`;
}

function lineReader(socket: Socket): () => Promise<string> {
  let rest = "";
  let wake: () => void = () => {};
  socket.on("data", (bytes: Buffer) => {
    rest += bytes.toString("latin1");
    wake();
  });
  return async () => {
    for (;;) {
      const at = rest.indexOf("\n");
      if (at >= 0) {
        const line = rest.slice(0, at);
        rest = rest.slice(at + 1);
        return line;
      }
      await new Promise<void>((resolve) => {
        wake = resolve;
      });
    }
  };
}
