import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism, totalmem } from "node:os";

const mebibyte = 1024 * 1024;

/** Memory that programs may still take without swapping: of the machine, or of the container around us. */
export function availableMemoryMiB(): number {
  const meminfo = readText("/proc/meminfo");
  const free = Number(/^MemAvailable:\s+(\d+) kB/m.exec(meminfo)?.[1] ?? 0) / 1024;
  const limit = Number(readText("/sys/fs/cgroup/memory.max"));
  const used = Number(readText("/sys/fs/cgroup/memory.current"));
  const left = Number.isFinite(limit) && limit > 0 ? (limit - used) / mebibyte : Infinity;
  return Math.floor(Math.min(free, left));
}

/** Memory of the machine, or the limit of the container around us. */
export function totalMemoryMiB(): number {
  const limit = Number(readText("/sys/fs/cgroup/memory.max"));
  const inContainer = Number.isFinite(limit) && limit > 0 ? limit : Infinity;
  return Math.floor(Math.min(totalmem(), inContainer) / mebibyte);
}

/** What Nix takes to evaluate a machine of a real nixpkgs. */
const evaluationMiB = 2048;

/** How many machines Nix may evaluate at once. */
export function evaluationsAtOnce(): number {
  const byMemory = Math.floor(availableMemoryMiB() / evaluationMiB);
  return Math.max(1, Math.min(availableParallelism(), byMemory));
}

export async function freeDiskMiB(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return Math.floor((bavail * bsize) / mebibyte);
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
