// Who listens on which port, out of /proc/net: every guest has it, while ss and netcat are often not in the image.
import { isIP } from "node:net";
import { parseProcNet, type ListeningSocket } from "../guest/systemd.ts";

const tables = [
  ["tcp", "/proc/net/tcp"],
  ["tcp", "/proc/net/tcp6"],
  ["udp", "/proc/net/udp"],
  ["udp", "/proc/net/udp6"],
] as const;

/** Prints the four tables with a line of `=` after each; a kernel without IPv6 lacks two of them. */
export const listenersCommand: string = tables
  .map(([, file]) => `if [ -e ${file} ]; then cat ${file}; fi; echo =`)
  .join("\n");

export function parseListeners(text: string): ListeningSocket[] {
  const parts = text.split(/^=$/m);
  return tables.flatMap(([protocol], index) => parseProcNet(parts[index] ?? "", protocol));
}

/**
 * Whether a connection to `address` would reach the socket; without an address any will do. `perhaps` for IPv4 to a socket
 * on `::`: the program may have asked for IPV6_V6ONLY, of which these tables do not tell.
 */
export function accepts(socket: ListeningSocket, address: string | undefined): boolean | "perhaps" {
  if (address === undefined || socket.address === address) return true;
  if (socket.address === "::") return isIP(address) === 4 ? "perhaps" : true;
  if (address === "localhost") return /^(?:0\.0\.0\.0|127\..*|::1)$/.test(socket.address);
  return socket.address === "0.0.0.0" && !address.includes(":");
}
