import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";
import type { Deadline } from "../../deadline.ts";
import { GuestLostError } from "../../errors.ts";
import type { LanePorts } from "./ports.ts";

export interface LaneSockets {
  readonly control: Socket;
  readonly slots: readonly { readonly out: Socket; readonly err: Socket }[];
}

/**
 * Connects to QEMU's end of every port. A guest that reads from a port without a host at its other
 * end sees the end of input, so all of them are connected before the agent starts.
 * Nothing, where QEMU was not started with these ports.
 * @throws GuestLostError when QEMU does not listen before the deadline
 */
export async function connectLane(
  ports: LanePorts,
  deadline: Deadline,
): Promise<LaneSockets | undefined> {
  const made: Socket[] = [];
  const open = async (path: string): Promise<Socket> => {
    const socket = await connectTo(path, deadline);
    made.push(socket);
    return socket;
  };
  try {
    const control = await open(ports.control);
    const slots = [];
    // One after the other: none is still on its way when another fails.
    for (const { out, err } of ports.slots) {
      slots.push({ out: await open(out), err: await open(err) });
    }
    return { control, slots };
  } catch (error) {
    for (const socket of made) socket.destroy();
    // QEMU makes its sockets before the guest's first instruction.
    if (isMissing(error)) return undefined;
    throw error;
  }
}

async function connectTo(path: string, deadline: Deadline): Promise<Socket> {
  for (;;) {
    const socket = connect(path);
    try {
      await once(socket, "connect");
      return socket;
    } catch (cause) {
      socket.destroy();
      if (isMissing(cause)) throw cause;
      if (deadline.expired) {
        throw new GuestLostError(`QEMU does not listen at ${path}`, { code: "GUEST_LOST", cause });
      }
      // QEMU may not have come so far.
      await sleep(50);
    }
  }
}

function isMissing(error: unknown): boolean {
  return error instanceof Error && "code" in error && error.code === "ENOENT";
}
