import { Subject } from "../machine/index.ts";

/** What a matcher was used on, as a test's author knows it. */
export function nameOf(value: unknown): string {
  if (value instanceof Subject) return String(value);
  if (value instanceof Promise) return "a promise; await it first";
  if (typeof value === "string") return JSON.stringify(value);
  return typeof value === "object" && value !== null
    ? `an object (${value.constructor?.name ?? "without a class"})`
    : String(value);
}

const words: Readonly<Record<string, string>> = {
  Dns: "host name",
  Http: "URL",
  KernelModule: "kernel module",
  NetworkInterface: "network interface",
  StorePath: "store path",
};

/** `a file, a group or a unit` */
export function kindsOf(classes: readonly string[]): string {
  const kinds = classes.map((name) => `a ${words[name] ?? name.toLowerCase()}`);
  const last = kinds.pop() ?? "";
  return kinds.length === 0 ? last : `${kinds.join(", ")} or ${last}`;
}
