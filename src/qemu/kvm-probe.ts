import { readFile, stat, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { execa } from "execa";
import { cacheDirectory as ownCacheDirectory, writeCacheFile } from "../cache-file.ts";
import { formatMs } from "../deadline.ts";
import { HostError, InterruptedError } from "../errors.ts";
import { hostBootId } from "../host-boot.ts";
import type { Guard } from "../process-group.ts";
import { debugExitPort, probeExitCode, probeImage } from "./probe-image.ts";
import { createRunDirectory } from "./run-directory.ts";

export interface AcceleratorProbe {
  readonly count: number;
  /** Time of the whole probe under KVM; missing when it was not done at the limit. */
  readonly kvmMs?: number;
  /** Measured only where KVM was not done at the limit, or slow. */
  readonly tcgMs?: number;
  readonly limitMs: number;
  /** KVM refused to run at all, in QEMU's words. */
  readonly refusal?: string;
}

export interface KvmProbeOptions {
  readonly qemu: string;
  readonly device: string;
  readonly cacheDirectory?: string;
  readonly limitMs?: number;
  readonly signal?: AbortSignal;
}

const probeCount = 100_000_000;
const rememberedProbes = 8;

/** Measures KVM, and TCG where KVM is slow; what was measured is remembered. */
export async function probeKvm({
  qemu,
  device,
  cacheDirectory = ownCacheDirectory(),
  limitMs = 3000,
  signal,
}: KvmProbeOptions): Promise<AcceleratorProbe> {
  const file = join(cacheDirectory, "accelerator.json");
  // A probe is true for one boot of the host and one QEMU; a run may ask for that of its run script and that of PATH.
  const inode = await stat(device).then(({ ino }) => ino);
  const key = [hostBootId(), qemu, device, inode, limitMs].join(" ");
  const remembered = async (): Promise<readonly CacheEntry[]> =>
    readFile(file, "utf8").then(parseCache, () => []);
  const known = (await remembered()).find((entry) => entry.key === key);
  if (known !== undefined) return known.probe;
  const probe = await measure(qemu, limitMs, signal);
  const others = (await remembered()).filter((entry) => entry.key !== key);
  const entries = [{ key, probe }, ...others].slice(0, rememberedProbes);
  await writeCacheFile(file, JSON.stringify(entries)).catch(() => {});
  return probe;
}

async function measure(
  qemu: string,
  limitMs: number,
  signal?: AbortSignal,
): Promise<AcceleratorProbe> {
  // A QEMU that crawls would outlive a dryboot that is killed by minutes.
  await using directory = await createRunDirectory({ name: "probe", graceMs: 300 });
  const image = join(directory.path, "probe.elf");
  await writeFile(image, probeImage(probeCount));
  const run = (accelerator: "kvm" | "tcg", limit: number): Promise<ProbeRun> =>
    runProbe(qemu, { image, accelerator, limitMs: limit, guard: directory.guard, signal });
  const base = { count: probeCount, limitMs };
  const underKvm = await run("kvm", limitMs);
  if (underKvm.refusal !== undefined) return { ...base, refusal: underKvm.refusal };
  const kvmMs = underKvm.durationMs;
  if (kvmMs !== undefined && kvmMs < 1000) return { ...base, kvmMs };
  const underTcg = await run("tcg", 30_000);
  return {
    ...base,
    ...(kvmMs === undefined ? {} : { kvmMs }),
    tcgMs: underTcg.durationMs ?? 30_000,
  };
}

interface ProbeRun {
  /** Missing when it was not done at the limit. */
  readonly durationMs?: number;
  readonly refusal?: string;
}

interface ProbeRunOptions {
  readonly image: string;
  readonly accelerator: "kvm" | "tcg";
  readonly limitMs: number;
  readonly guard: Guard;
  readonly signal: AbortSignal | undefined;
}

async function runProbe(
  qemu: string,
  { image, accelerator, limitMs, guard, signal }: ProbeRunOptions,
): Promise<ProbeRun> {
  const child = execa(
    qemu,
    [
      "-machine",
      `pc,accel=${accelerator}`,
      "-nodefaults",
      "-no-reboot",
      "-display",
      "none",
      "-m",
      "32",
      "-kernel",
      image,
      "-device",
      `isa-debug-exit,iobase=0x${debugExitPort.toString(16)},iosize=0x04`,
    ],
    {
      detached: true,
      reject: false,
      timeout: limitMs,
      killSignal: "SIGKILL",
      stdin: "ignore",
      stdout: "ignore",
      ...(signal === undefined ? {} : { cancelSignal: signal }),
    },
  );
  if (child.pid !== undefined) guard.watch(child.pid);
  const result = await child;
  if (result.isCanceled) throw new InterruptedError("interrupted while probing KVM");
  if (result.code === "ENOENT") {
    throw new HostError(`${qemu} was not found`, {
      code: "QEMU_MISSING",
      cause: result.cause,
      hint: "Install QEMU: apt install qemu-system-x86 qemu-utils, or nix-env -iA nixpkgs.qemu",
    });
  }
  if (result.exitCode === probeExitCode) return { durationMs: Math.round(result.durationMs) };
  if (result.timedOut) return {};
  const words = result.stderr.trim().split("\n").at(-1) ?? "";
  return { refusal: words || `exit code ${result.exitCode} after ${formatMs(result.durationMs)}` };
}

interface CacheEntry {
  readonly key: string;
  readonly probe: AcceleratorProbe;
}

function parseCache(text: string): readonly CacheEntry[] {
  try {
    const value: unknown = JSON.parse(text);
    return Array.isArray(value) ? value.filter(isCacheEntry) : [];
  } catch {
    return [];
  }
}

function isCacheEntry(value: unknown): value is CacheEntry {
  if (typeof value !== "object" || value === null || !("key" in value)) return false;
  return "probe" in value && typeof value.probe === "object" && value.probe !== null;
}
