import { setTimeout } from "../../clock.ts";
import { openCapture, type PacketCapture } from "./packet-capture.ts";
import { openSwitchPort, type SwitchPort } from "./switch-port.ts";

/** What a network does to each frame. */
export interface NetworkConditions {
  /** How long a frame takes. @default 0 */
  readonly delayMs?: number;
  /** By how much it takes longer at most; frames may then overtake each other. @default 0 */
  readonly jitterMs?: number;
  /** Which part of the frames is lost, from 0 to 1. @default 0 */
  readonly loss?: number;
}

/** Ports by the names that they were plugged in under. */
export interface VirtualSwitch extends AsyncDisposable {
  /** Opens a port on a Unix socket, to which QEMU connects; nothing is done where the port is there. */
  plug(port: string, socketPath: string): Promise<void>;
  /** Frames pass between ports of one group only; ports of no group are a group too. */
  partition(groups: readonly (readonly string[])[]): void;
  setConditions(conditions: NetworkConditions): void;
  /** Writes each frame that a guest sends to a file, until it is disposed. */
  capture(path: string): Promise<AsyncDisposable>;
}

const addressBytes = 6;
const headerBytes = 14;
/** A guest may claim any number of addresses. */
const mostAddresses = 4096;
/** Frames that are on their way, with conditions that delay them; more are lost. */
const mostDelayed = 20_000;

/** A switch for the cards of guests, in this process: it learns who is where, and floods what it does not know. */
export function virtualSwitch(): VirtualSwitch {
  const ports = new Map<string, SwitchPort>();
  const whereabouts = new Map<string, string>();
  const captures = new Set<PacketCapture>();
  let groups: readonly (readonly string[])[] = [];
  let conditions: Required<NetworkConditions> = noConditions;
  let delayed = 0;

  const groupOf = (port: string): number => groups.findIndex((group) => group.includes(port));
  const learn = (address: string, port: string): void => {
    whereabouts.delete(address);
    whereabouts.set(address, port);
    const [oldest] = whereabouts.keys();
    if (whereabouts.size > mostAddresses && oldest !== undefined) whereabouts.delete(oldest);
  };
  const receivers = (from: string, target: string): string[] => {
    const known = isForMany(target) ? undefined : whereabouts.get(target);
    const candidates = known === undefined ? [...ports.keys()] : [known];
    return candidates.filter((port) => port !== from && groupOf(port) === groupOf(from));
  };
  const deliver = (frame: Buffer, port: string): void => {
    const { delayMs, jitterMs, loss } = conditions;
    if (Math.random() < loss) return;
    const afterMs = delayMs + Math.random() * jitterMs;
    if (afterMs === 0) return ports.get(port)?.send(frame);
    if (delayed >= mostDelayed) return;
    delayed += 1;
    // Of its own: the frame is a part of what was read with it.
    const copy = Buffer.from(frame);
    setTimeout(() => {
      delayed -= 1;
      ports.get(port)?.send(copy);
    }, afterMs).unref();
  };
  const forward = (frame: Buffer, from: string): void => {
    if (frame.length < headerBytes) return;
    for (const capture of captures) capture.add(frame);
    const source = addressAt(frame, addressBytes);
    if (!isForMany(source)) learn(source, from);
    for (const port of receivers(from, addressAt(frame, 0))) deliver(frame, port);
  };

  return {
    async plug(port, socketPath) {
      if (ports.has(port)) return;
      ports.set(port, await openSwitchPort(socketPath, (frame) => forward(frame, port)));
    },
    partition(wanted) {
      groups = wanted;
    },
    setConditions(wanted) {
      conditions = { ...noConditions, ...wanted };
    },
    async capture(path) {
      const capture = await openCapture(path);
      captures.add(capture);
      return {
        async [Symbol.asyncDispose]() {
          if (captures.delete(capture)) await capture[Symbol.asyncDispose]();
        },
      };
    },
    async [Symbol.asyncDispose]() {
      const held = [...ports.values(), ...captures];
      ports.clear();
      captures.clear();
      await Promise.all(held.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

const noConditions = { delayMs: 0, jitterMs: 0, loss: 0 };

function addressAt(frame: Buffer, offset: number): string {
  return frame.toString("hex", offset, offset + addressBytes);
}

/** Broadcast, or multicast: the lowest bit of the first byte. */
function isForMany(address: string): boolean {
  return (Number.parseInt(address.slice(0, 2), 16) & 1) === 1;
}
