import type { Socket } from "node:net";
import { messageBytes } from "./agent.ts";

/** What the supervisor in the guest says. */
export type SupervisorEvent =
  /** `open`: the shell that will start the agent listens. */
  | { readonly kind: "open" | "hello" | "bye" }
  | { readonly kind: "pong"; readonly dead: readonly number[] }
  | { readonly kind: "garbage" };

/** The agent's process that watches over the workers, seen through the control port. */
export interface Supervisor {
  start(slot: number): void;
  /** TERM after `afterMs`, KILL `graceMs` later. */
  arm(slot: number, serial: number, afterMs: number, graceMs: number): void;
  disarm(slot: number): void;
  /** INT reaches the command as Ctrl-C would, KILL all that it started too. */
  kill(slot: number, serial: number, signal: "INT" | "KILL"): void;
  ping(): void;
  leave(): void;
}

const maxLineBytes = 256;

/** By this the shell at the console and the host know each other. */
export function wordOf(key: string): string {
  return key.slice(0, 8);
}

export function superviseOver(
  socket: Socket,
  key: string,
  onEvent: (event: SupervisorEvent) => void,
): Supervisor {
  let rest = "";
  let pings = 0;
  let greeted = false;
  socket.on("data", (bytes: Buffer) => {
    const lines = (rest + bytes.toString("latin1")).split("\n");
    rest = lines.pop() ?? "";
    for (const line of lines) {
      const event = parseLine(line, key);
      if (!greeted && line === wordOf(key)) onEvent({ kind: "open" });
      // Before its first word the port may hold what was written to it earlier.
      if (event.kind === "garbage" && !greeted) continue;
      greeted = true;
      onEvent(event);
    }
    if (rest.length > maxLineBytes) {
      rest = "";
      if (greeted) onEvent({ kind: "garbage" });
    }
  });
  const send = (...words: (string | number)[]): void => {
    if (!socket.destroyed) socket.write(words.join(" ").padEnd(messageBytes - 1) + "\n");
  };
  const centiseconds = (ms: number): number => Math.max(1, Math.ceil(ms / 10));
  return {
    start: (slot) => send("start", slot),
    arm: (slot, serial, afterMs, graceMs) =>
      send("arm", slot, serialWord(serial), centiseconds(afterMs), centiseconds(graceMs)),
    disarm: (slot) => send("disarm", slot),
    kill: (slot, serial, signal) => send("kill", slot, serialWord(serial), signal),
    ping: () => send("ping", (pings += 1)),
    leave: () => send("leave"),
  };
}

/** As it stands in the head of a request. */
function serialWord(serial: number): string {
  return String(serial).padStart(10, "0");
}

function parseLine(line: string, key: string): SupervisorEvent {
  const said = line.startsWith(`${key} `) ? line.slice(key.length + 1) : "";
  if (said === "hello" || said === "bye") return { kind: said };
  const [, dead] = /^pong \d{1,12}((?: \d{1,2})*)$/.exec(said) ?? [];
  if (dead === undefined) return { kind: "garbage" };
  return { kind: "pong", dead: dead.split(" ").filter(Boolean).map(Number) };
}
