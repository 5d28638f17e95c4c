import { readFileSync } from "node:fs";
import { statfs } from "node:fs/promises";
import { availableParallelism } from "node:os";

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

export async function freeDiskMiB(path: string): Promise<number> {
  const { bavail, bsize } = await statfs(path);
  return Math.floor((bavail * bsize) / mebibyte);
}

const memoryForDrybootMiB = 1024;
const memoryOfQemuMiB = 300;

/** How many guests this host carries at once without one slowing the others so much that time limits lie. */
export function guestLimit({
  memoryMiB,
  cores,
  emulated,
}: {
  readonly memoryMiB: number;
  readonly cores: number;
  readonly emulated: boolean;
}): number {
  const processors = availableParallelism();
  const byMemory = (availableMemoryMiB() - memoryForDrybootMiB) / (memoryMiB + memoryOfQemuMiB);
  // Without hardware virtualisation each virtual processor keeps a whole one busy, and so does the harness beside it.
  const byCores = emulated ? processors / (cores + 1) : processors / cores;
  return Math.max(1, Math.floor(Math.min(byMemory, byCores)));
}

function readText(path: string): string {
  try {
    return readFileSync(path, "utf8");
  } catch {
    return "";
  }
}
