import { heldSocketsCommand, parseHeldSockets } from "../machine/listening-programs.ts";

/** By `tcp port 80`: who holds it. */
export type PortOwners = ReadonlyMap<string, PortOwner>;

export interface PortOwner {
  /** `nginx, process 417 of nginx.service`, or `echo.socket`. */
  readonly text: string;
  readonly unit: string;
}

/** What systemd itself holds, until somebody connects, belongs to a socket unit. */
export const ownersQuestion: string = `${heldSocketsCommand}
systemctl list-sockets --show-types --full --no-legend --no-pager`;

/** `127.0.0.1:7007 Stream echo.socket` */
const socketUnit = /^\S*:(\d+)\s+(Stream|Datagram)\s+(\S+\.socket)/gm;

export function parseOwners(text: string): PortOwners {
  return new Map([
    ...parseHeldSockets(text).flatMap(({ protocol, port, holder }): [string, PortOwner][] => {
      if (holder === undefined) return [];
      const { program, pid, unit } = holder;
      const of = unit === "" ? "" : ` of ${unit}`;
      return [[`${protocol} port ${port}`, { text: `${program}, process ${pid}${of}`, unit }]];
    }),
    ...[...text.matchAll(socketUnit)].map(([, port, type, unit = ""]): [string, PortOwner] => [
      `${type === "Stream" ? "tcp" : "udp"} port ${port}`,
      { text: unit, unit },
    ]),
  ]);
}
