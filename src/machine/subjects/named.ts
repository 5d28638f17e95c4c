import { UsageError } from "../../errors.ts";

/** What a test calls a subject; without the compiler's checks it may be anything. @throws UsageError */
export function named(kind: string, name: string): string {
  if (typeof name === "string" && name.trim() !== "") return name;
  throw new UsageError(`a ${kind} is named by a text that is not empty, not by ${shown(name)}`);
}

/** @throws UsageError where it does not start at the root */
export function rooted(kind: string, path: string): string {
  if (named(kind, path).startsWith("/")) return path;
  throw new UsageError(`a ${kind} has a path that starts with /, not ${shown(path)}`);
}

/** @throws UsageError where there can be no such port */
export function portNumber(port: number): number {
  if (Number.isInteger(port) && port >= 1 && port <= 65_535) return port;
  throw new UsageError(`a port is a whole number from 1 to 65535, not ${shown(port)}`);
}

/** @throws UsageError where it is none of HTTP or HTTPS */
export function httpUrl(url: string): string {
  if (/^https?:\/\//.test(named("URL", url)) && URL.canParse(url)) return url;
  throw new UsageError(
    `${shown(url)} is no URL of a web server; it starts with http:// or https://`,
  );
}

/** What a text is compared with. @throws UsageError where it is neither */
export function textOrPattern(what: string, expected: string | RegExp): string | RegExp {
  if (typeof expected === "string" || expected instanceof RegExp) return expected;
  throw new UsageError(`${what} is compared with a text or a pattern, not with ${shown(expected)}`);
}

function shown(value: unknown): string {
  return typeof value === "string" ? JSON.stringify(value) : String(value);
}
