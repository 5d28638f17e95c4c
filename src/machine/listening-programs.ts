// Which program has which socket open: a kernel knows a socket by its inode, and a process by its links to it.
import { parseProcNet, type ListeningSocket } from "../guest/systemd.ts";
import type { CommandRunner } from "./runner.ts";

/** A socket that is listened on. */
export interface HeldSocket extends ListeningSocket {
  /** `undefined` where no process could be seen that has it open. */
  readonly holder: Holder | undefined;
}

export interface Holder {
  readonly program: string;
  readonly pid: number;
  /** The last name of its control group, which is the unit's; empty in a guest without. */
  readonly unit: string;
}

/** One look at the tables and at all processes. */
export const heldSocketsCommand: string = `
for table in tcp tcp6 udp udp6; do
  [ ! -r /proc/net/$table ] || sed "s/^/$table /" /proc/net/$table
done
find /proc/[0-9]*/fd -lname 'socket:*' -printf '%h %l\\n' 2>/dev/null | sort -u | while read -r path link; do
  pid=\${path#/proc/}; pid=\${pid%/fd}
  if [ "$pid" != "\${known-}" ]; then
    known=$pid name= unit=
    { IFS= read -r name <"/proc/$pid/comm"; while IFS= read -r group; do unit=\${group##*/}; done <"/proc/$pid/cgroup"; } 2>/dev/null || true
  fi
  [ -z "$name" ] || printf 'owner %s %s "%s" %s\\n' "$link" "$pid" "$unit" "$name"
done || true`;

export function parseHeldSockets(text: string): HeldSocket[] {
  const holders = new Map<string, Holder>();
  for (const [, inode = "", pid, unit = "", program = ""] of text.matchAll(
    /^owner socket:\[(\d+)\] (\d+) "(.*?)" (.*)$/gm,
  )) {
    // The first has opened it; its children got it from there.
    if (!holders.has(inode)) holders.set(inode, { program, pid: Number(pid), unit });
  }
  return text.split("\n").flatMap((line) => {
    const [, protocol, row = ""] = /^(tcp|udp)6? +(\d+:.*)$/.exec(line) ?? [];
    if (protocol !== "tcp" && protocol !== "udp") return [];
    const holder = holders.get(row.split(/\s+/)[9] ?? "");
    return parseProcNet(row, protocol).map((socket) => ({ ...socket, holder }));
  });
}

/** `tcp 0.0.0.0:80  nginx (pid 412)`, a line for each socket that is listened on. */
export async function listeningPrograms(runner: CommandRunner): Promise<string[]> {
  const { stdout } = await runner.execute(["bash", "-c", heldSocketsCommand], {
    purpose: "look at what listens",
    environment: { LC_ALL: "C" },
    maxOutputBytes: 8 * 1024 * 1024,
  });
  const lines = parseHeldSockets(stdout).map(({ protocol, address, port, holder }) => ({
    port,
    text: `${protocol} ${address.includes(":") ? `[${address}]` : address}:${port}`,
    owner: holder === undefined ? "" : `${holder.program} (pid ${holder.pid})`,
  }));
  const width = Math.max(0, ...lines.map(({ text }) => text.length));
  return lines
    .toSorted((left, right) => left.port - right.port)
    .map(({ text, owner }) => `${text.padEnd(width)}  ${owner}`.trimEnd());
}
