/** Who holds a port: `nginx, process 417 of nginx.service`, or `echo.socket`. */
export type PortOwners = ReadonlyMap<string, string>;

/** `ss` is in most images; where it is not, only socket units are known. */
export const ownersQuestion = `if command -v ss >/dev/null; then
  ss --tcp --udp --listening --numeric --processes --no-header | while read -r line; do
    [[ $line =~ pid=([0-9]+) ]] || continue
    unit=$(< "/proc/\${BASH_REMATCH[1]}/cgroup") || continue
    printf '%s %s\\n' "\${unit##*/}" "$line"
  done
fi
systemctl list-sockets --show-types --full --no-legend --no-pager`;

/** `nginx.service tcp LISTEN 0 511 0.0.0.0:80 0.0.0.0:* users:(("nginx",pid=417,fd=6))` */
const process = /^(\S+) (tcp|udp)\s+\S+\s+\d+\s+\d+\s+\S*:(\d+)\s.*users:\(\("([^"]*)",pid=(\d+)/gm;

/** `127.0.0.1:7007 Stream echo.socket`: systemd itself holds it. */
const socketUnit = /^\S*:(\d+)\s+(Stream|Datagram)\s+(\S+\.socket)/gm;

export function parseOwners(text: string): PortOwners {
  return new Map([
    ...[...text.matchAll(process)].map(
      ([, unit, protocol, port, program, pid]): [string, string] => [
        `${protocol} port ${port}`,
        `${program}, process ${pid} of ${unit}`,
      ],
    ),
    ...[...text.matchAll(socketUnit)].map(([, port, type, unit = ""]): [string, string] => [
      `${type === "Stream" ? "tcp" : "udp"} port ${port}`,
      unit,
    ]),
  ]);
}
