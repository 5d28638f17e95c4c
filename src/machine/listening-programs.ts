// Which program has which socket open, for messages: a kernel knows a socket by its inode, and a process by its links to it.
import { parseProcNet } from "../guest/systemd.ts";
import type { CommandRunner } from "./runner.ts";

const script = `
for table in tcp tcp6 udp udp6; do
  [ ! -r /proc/net/$table ] || sed "s/^/$table /" /proc/net/$table
done
find /proc/[0-9]*/fd -lname 'socket:*' -printf '%h %l\\n' 2>/dev/null | sort -u | while read -r path link; do
  pid=\${path#/proc/}; pid=\${pid%/fd}
  { read -r name <"/proc/$pid/comm"; } 2>/dev/null && echo "owner $link $pid $name"
done || true`;

/** `tcp 0.0.0.0:80  nginx (pid 412)`, a line for each socket that is listened on. */
export async function listeningPrograms(runner: CommandRunner): Promise<string[]> {
  const { stdout } = await runner.execute(["bash", "-c", script], {
    environment: { LC_ALL: "C" },
    maxOutputBytes: 8 * 1024 * 1024,
  });
  const owners = new Map<string, string>();
  for (const [, inode = "", pid, name] of stdout.matchAll(
    /^owner socket:\[(\d+)\] (\d+) (.*)$/gm,
  )) {
    // The first has opened it; its children got it from there.
    if (!owners.has(inode)) owners.set(inode, `${name} (pid ${pid})`);
  }
  const lines = stdout.split("\n").flatMap((line) => {
    const [, protocol, row = ""] = /^(tcp|udp)6? +(\d+:.*)$/.exec(line) ?? [];
    if (protocol !== "tcp" && protocol !== "udp") return [];
    const inode = row.split(/\s+/)[9] ?? "";
    return parseProcNet(row, protocol).map(({ address, port }) => ({
      port,
      text: `${protocol} ${address.includes(":") ? `[${address}]` : address}:${port}`,
      owner: owners.get(inode) ?? "",
    }));
  });
  const width = Math.max(0, ...lines.map(({ text }) => text.length));
  return lines
    .toSorted((left, right) => left.port - right.port)
    .map(({ text, owner }) => `${text.padEnd(width)}  ${owner}`.trimEnd());
}
