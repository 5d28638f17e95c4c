import { readFileSync } from "node:fs";

/** Names this boot of the host: what was measured, and who held what, ends with it. */
export function hostBootId(): string {
  return readFileSync("/proc/sys/kernel/random/boot_id", "utf8").trim();
}
