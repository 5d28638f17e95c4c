export type Properties = ReadonlyMap<string, string>;

/** `systemctl show`'s blocks, one a unit and parted by empty lines, keyed by the unit's `Id`. */
export function parseUnits(text: string): Map<string, Properties> {
  const units = text
    .split(/\n\s*\n/)
    .map(parseProperties)
    .filter((properties) => properties.has("Id"));
  return new Map(units.map((properties) => [properties.get("Id") ?? "", properties]));
}

/** One block of `NAME=value` lines; a line without a name continues the value above it. */
export function parseProperties(text: string): Properties {
  const properties = new Map<string, string>();
  let last: string | undefined;
  for (const line of text.split("\n")) {
    const [, name, value = ""] = /^([A-Za-z][A-Za-z0-9_]*)=(.*)$/.exec(line) ?? [];
    if (name !== undefined) {
      properties.set(name, value);
      last = name;
    } else if (last !== undefined && line !== "") {
      properties.set(last, `${properties.get(last)}\n${line}`);
    }
  }
  return properties;
}

export interface ListeningSocket {
  readonly protocol: "tcp" | "udp";
  /** Without brackets and interface; `*`, `0.0.0.0` and `::` listen on every address. */
  readonly address: string;
  readonly port: number;
}

/** `/proc/net/{tcp,tcp6,udp,udp6}` of a little-endian guest, which every guest has. */
export function parseProcNet(text: string, protocol: "tcp" | "udp" = "tcp"): ListeningSocket[] {
  const listening = protocol === "tcp" ? "0A" : "07";
  return text.split("\n").flatMap((line) => {
    const [, address, port, state] =
      /^\s*\d+: ([0-9A-F]{8}|[0-9A-F]{32}):([0-9A-F]{4}) \S+ ([0-9A-F]{2}) /.exec(line) ?? [];
    if (address === undefined || port === undefined || state !== listening) return [];
    return [{ protocol, address: addressFromHex(address), port: Number.parseInt(port, 16) }];
  });
}

function addressFromHex(hex: string): string {
  // The kernel prints 32-bit words in its own byte order.
  const bytes = (hex.match(/.{8}/g) ?? []).flatMap((word) =>
    (word.match(/../g) ?? []).reverse().map((byte) => Number.parseInt(byte, 16)),
  );
  if (bytes.length === 4) return bytes.join(".");
  const groups = Array.from({ length: 8 }, (_, index) =>
    (((bytes[index * 2] ?? 0) << 8) | (bytes[index * 2 + 1] ?? 0)).toString(16),
  );
  // As people write an address of IPv4 that a socket of IPv6 is bound to; the JVM does so.
  if (groups.slice(0, 6).join(":") === "0:0:0:0:0:ffff")
    return `::ffff:${bytes.slice(12).join(".")}`;
  return shortenIpv6(groups);
}

function shortenIpv6(groups: readonly string[]): string {
  const text = groups.join(":");
  const runs = text.match(/\b0(?::0)+\b/g) ?? [];
  const longest = runs.toSorted((a, b) => b.length - a.length)[0];
  if (longest === undefined) return text;
  return text.replace(longest, "").replace(/^:?(.*?):?$/, "$1") === ""
    ? "::"
    : text.replace(new RegExp(`(^|:)${longest}(:|$)`), "::");
}
