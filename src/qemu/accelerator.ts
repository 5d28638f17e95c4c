import { access, constants } from "node:fs/promises";
import { HostError } from "../errors.ts";
import { probeKvm, type AcceleratorProbe } from "./kvm-probe.ts";
import { defaultQemu } from "./program.ts";

export type AcceleratorRequest = "auto" | "kvm" | "tcg";

export interface Accelerator {
  readonly name: "kvm" | "tcg";
  /** They come last on QEMU's command line and win over the run script's own choice. */
  readonly qemuArguments: readonly string[];
  /** For the guest's kernel, before those of the machine's start. */
  readonly kernelParameters: readonly string[];
  /** What limits of time are multiplied with. */
  readonly timeoutScale: number;
  /** Why it is not what one would expect of this host. */
  readonly warning?: string;
  /** What was measured; missing where nothing had to be. */
  readonly probe?: AcceleratorProbe;
}

export interface AcceleratorOptions {
  readonly request?: AcceleratorRequest;
  /** QEMU that probes. @default qemu-system-x86_64 in PATH */
  readonly qemu?: string;
  /** @default /dev/kvm */
  readonly device?: string;
  /** @default $XDG_CACHE_HOME/dryboot */
  readonly cacheDirectory?: string;
  readonly limitMs?: number;
  readonly signal?: AbortSignal;
}

/**
 * Chooses by measurement: there are hosts where `/dev/kvm` opens and then interprets the guest.
 * @throws HostError when KVM was asked for and cannot be used
 */
export async function chooseAccelerator(options: AcceleratorOptions = {}): Promise<Accelerator> {
  const { request = "auto", device = "/dev/kvm", qemu = defaultQemu } = options;
  if (request === "tcg") return tcg();
  const obstacle = await obstacleTo(device);
  const probe = obstacle === undefined ? await probeKvm({ ...options, qemu, device }) : undefined;
  const reason = obstacle?.reason ?? (probe && slowness(probe));
  if (reason === undefined) return { ...kvm, ...(probe === undefined ? {} : { probe }) };
  if (request === "kvm") {
    throw new HostError(`KVM was asked for but cannot be used: ${reason}`, {
      code: "HOST_RESOURCES",
      hint: obstacle?.hint ?? "Use --accel tcg, or run on a host with a KVM that works.",
    });
  }
  const warning = obstacle?.silent === true ? undefined : `${capital(reason)}: using TCG`;
  return {
    ...tcg(),
    ...(warning === undefined ? {} : { warning }),
    ...(probe === undefined ? {} : { probe }),
  };
}

const kvm: Accelerator = {
  name: "kvm",
  qemuArguments: ["-machine", "accel=kvm"],
  kernelParameters: [],
  timeoutScale: 1,
};

function tcg(): Accelerator {
  return {
    name: "tcg",
    // `-accel tcg` beside the script's `-machine accel=` is refused by QEMU.
    qemuArguments: ["-machine", "accel=tcg", ...withoutByteLoops],
    kernelParameters: [fixedAddresses],
    timeoutScale: 4,
  };
}

// A kernel that sees this feature clears and copies pages byte by byte, and TCG emulates each byte. After a
// reboot, where memory still holds translated code, each such store is slower yet: a minute and a half.
const withoutByteLoops = process.arch === "x64" ? ["-global", "x86_64-cpu.erms=off"] : [];

// QEMU 7.2 translates a program again for each place where it lies. At one place a start takes a quarter of the time.
const fixedAddresses = "norandmaps";

interface Obstacle {
  readonly reason: string;
  readonly hint: string;
  /** An ordinary host without KVM needs no warning. */
  readonly silent?: boolean;
}

async function obstacleTo(device: string): Promise<Obstacle | undefined> {
  try {
    await access(device, constants.R_OK | constants.W_OK);
    return undefined;
  } catch (error) {
    const denied = error instanceof Error && "code" in error && error.code !== "ENOENT";
    return denied
      ? {
          reason: `KVM is present but ${device} may not be opened by this user`,
          hint: "Add yourself to the group kvm and log in again: sudo usermod -aG kvm $USER",
        }
      : {
          reason: `this host has no ${device}`,
          hint: "Enable virtualisation in the firmware, or nested virtualisation, or use --accel tcg.",
          silent: true,
        };
  }
}

function slowness({ kvmMs, tcgMs, limitMs, refusal }: AcceleratorProbe): string | undefined {
  if (refusal !== undefined) return `KVM is present but does not run guests (${refusal})`;
  if (tcgMs === undefined) return undefined;
  if (kvmMs !== undefined && kvmMs <= tcgMs * 1.5) return undefined;
  const factor = Math.max(2, Math.floor((kvmMs ?? limitMs) / tcgMs));
  const about = kvmMs === undefined ? "more than" : "about";
  return `KVM is present but runs guests ${about} ${factor}× slower than TCG`;
}

function capital(text: string): string {
  return text.charAt(0).toUpperCase() + text.slice(1);
}
