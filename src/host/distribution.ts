import { existsSync, readFileSync } from "node:fs";

export interface Distribution {
  /** As it calls itself: `Debian GNU/Linux 12 (bookworm)`. */
  readonly name: string;
  /** Whether it has apt and Debian's package names. */
  readonly isDebianLike: boolean;
}

export function readDistribution(): Distribution {
  const text = ["/etc/os-release", "/usr/lib/os-release"].find((file) => existsSync(file));
  return parseDistribution(
    text === undefined ? "" : readFileSync(text, "utf8"),
    existsSync("/usr/bin/apt-get"),
  );
}

export function parseDistribution(osRelease: string, hasApt: boolean): Distribution {
  const field = (name: string): string =>
    new RegExp(`^${name}=["']?(.*?)["']?$`, "m").exec(osRelease)?.[1] ?? "";
  const family = `${field("ID")} ${field("ID_LIKE")}`.split(/\s+/);
  return {
    name: field("PRETTY_NAME") || field("NAME") || "an unknown system",
    isDebianLike: hasApt && (family.includes("debian") || family.includes("ubuntu")),
  };
}
