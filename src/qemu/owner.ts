import { readlinkSync } from "node:fs";
import { hostname } from "node:os";
import { hostBootId } from "../host-boot.ts";
import { startTimeOf } from "../process-group.ts";

/** One line that names this process among all that may ever see a directory. */
export function ownerLine(): string {
  return `${process.pid} ${startTimeOf(process.pid) ?? ""} ${here()} ${hostBootId()}\n`;
}

/** `unknown`: the owner is, or was, a process of another host or container, which cannot be asked for. */
export function stateOfOwner(line: string): "alive" | "dead" | "unknown" {
  const [pid = "", startTime, place, boot] = line.trim().split(" ");
  if (place !== here()) return "unknown";
  return boot === hostBootId() && startTimeOf(Number(pid)) === startTime ? "alive" : "dead";
}

/** Process ids mean something on one host and in one namespace only, but directories may be shared. */
function here(): string {
  return `${hostname()}/${readlinkSync("/proc/self/ns/pid")}`;
}
