import { readFile } from "node:fs/promises";
import { execa } from "execa";
import { HostError } from "../errors.ts";

export const defaultQemu = "qemu-system-x86_64";

/** The QEMU that a run script starts, or else the one in PATH. */
export async function qemuOf(runScript: string): Promise<string> {
  const text = await readFile(runScript, "utf8").catch(() => "");
  return /\/nix\/store\/\S+?\/bin\/qemu-system-x86_64\b/.exec(text)?.[0] ?? defaultQemu;
}

export interface GuestSize {
  readonly memoryMiB: number;
  readonly cores: number;
}

/** What a run script gives its guest; QEMU's own defaults where it says nothing. */
export async function guestSizeOf(runScript: string): Promise<GuestSize> {
  const text = await readFile(runScript, "utf8").catch(() => "");
  const figure = (option: RegExp): number | undefined => {
    const digits = option.exec(text)?.[1];
    return digits === undefined ? undefined : Number(digits);
  };
  return {
    memoryMiB: figure(/\s-m\s+(\d+)\b/) ?? 128,
    cores: figure(/\s-smp\s+(?:cpus=)?(\d+)\b/) ?? 1,
  };
}

/**
 * Starts QEMU once before it is needed: a run script that misses it ends like a guest that was lost, and a file with
 * its name may only lead on to the host's.
 * @throws HostError `QEMU_MISSING`
 */
export async function requireQemu(qemu: string): Promise<void> {
  const result = await execa(qemu, ["--version"], { stdin: "ignore", reject: false });
  if (!result.failed) return;
  throw new HostError("QEMU is missing: it runs the guests", {
    code: "QEMU_MISSING",
    details: [(result.stderr ?? "").trim() || (result.shortMessage ?? "")].filter(Boolean),
    hint: "dryboot setup installs it on Debian-like hosts; elsewhere: nix-env -f '<nixpkgs>' -iA qemu",
  });
}
