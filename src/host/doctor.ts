import { tmpdir } from "node:os";
import { execa } from "execa";
import { formatMs } from "../deadline.ts";
import { DrybootError } from "../errors.ts";
import { isPocket, isPocketReady, resolveNixpkgs, type NixOptions } from "../nix/index.ts";
import { chooseAccelerator, type AcceleratorProbe } from "../qemu/index.ts";
import { byHand } from "./apt.ts";
import { readDistribution } from "./distribution.ts";
import { findProgram, hasDaemon, missingRequirements } from "./requirements.ts";
import { availableMemoryMiB, freeDiskMiB } from "./resources.ts";

/** What this host can do in one respect. */
export interface Finding {
  readonly name: string;
  /** `missing`: dryboot cannot run; `warning`: it can, but not well. */
  readonly status: "fine" | "warning" | "missing";
  readonly detail: string;
  /** How to mend it. */
  readonly remedy?: string;
}

export interface DoctorOptions extends NixOptions {
  readonly accelerator: "auto" | "kvm" | "tcg";
}

/** Looks at everything that dryboot needs of this host; changes nothing. */
export async function examineHost(options: DoctorOptions): Promise<Finding[]> {
  const examinations: readonly (() => Promise<Finding> | Finding)[] = [
    examineNix,
    () => examineNixpkgs(options),
    examineQemu,
    () => examineAccelerator(options),
    examineMemory,
    () =>
      examineDisk("temporary files", tmpdir(), 512, "set TMPDIR to a directory on a larger disk"),
    () =>
      examineDisk(
        "Nix store",
        "/nix",
        4096,
        "nix-collect-garbage frees what nothing needs any more",
      ),
  ];
  const findings: Finding[] = [];
  // One after the other: the accelerator is measured.
  for (const examine of examinations) findings.push(await examine());
  return findings;
}

export function canRun(findings: readonly Finding[]): boolean {
  return findings.every(({ status }) => status !== "missing");
}

async function examineNix(): Promise<Finding> {
  const missing = lacking("Nix", "a Nix store for this user");
  if (missing !== undefined) return missing;
  const version = await versionOf("nix", /\(Nix[^)]*\) (\S+)/);
  const how = hasDaemon() ? "through its daemon" : "single-user, without a daemon";
  return { name: "Nix", status: "fine", detail: `${version}, ${how} (${findProgram("nix")})` };
}

async function examineNixpkgs(options: NixOptions): Promise<Finding> {
  const name = "nixpkgs";
  try {
    const nixpkgs = await resolveNixpkgs(options);
    if (isPocket(nixpkgs) && !(await isPocketReady())) {
      const detail = `${nixpkgs.description}; its packages are not fetched yet`;
      return {
        name,
        status: "warning",
        detail,
        remedy: "dryboot setup fetches them, and so does the first build",
      };
    }
    return { name, status: "fine", detail: nixpkgs.description };
  } catch (error) {
    return failing(name, error);
  }
}

async function examineQemu(): Promise<Finding> {
  const missing = lacking("QEMU", "qemu-img");
  if (missing !== undefined) return missing;
  const version = await versionOf("qemu-system-x86_64", /version (\S+)/);
  return {
    name: "QEMU",
    status: "fine",
    detail: `${version} (${findProgram("qemu-system-x86_64")})`,
  };
}

async function examineAccelerator({ accelerator, signal }: DoctorOptions): Promise<Finding> {
  const name = "accelerator";
  if (findProgram("qemu-system-x86_64") === undefined) {
    return { name, status: "warning", detail: "cannot be measured without QEMU" };
  }
  try {
    const chosen = await chooseAccelerator({
      request: accelerator,
      ...(signal === undefined ? {} : { signal }),
    });
    const figures = describeProbe(chosen.probe);
    if (chosen.warning !== undefined) {
      return { name, status: "warning", detail: `${chosen.warning}${figures}` };
    }
    return { name, status: "fine", detail: `${chosen.name}${figures}` };
  } catch (error) {
    return failing(name, error);
  }
}

function describeProbe(probe: AcceleratorProbe | undefined): string {
  if (probe === undefined) return "";
  const { count, kvmMs, tcgMs, limitMs } = probe;
  const kvm = kvmMs === undefined ? `not done after ${formatMs(limitMs)}` : formatMs(kvmMs);
  const tcg = tcgMs === undefined ? "" : `, TCG ${formatMs(tcgMs)}`;
  return ` (counting to ${count}: KVM ${kvm}${tcg})`;
}

const comfortableMemoryMiB = 2048;

function examineMemory(): Finding {
  const availableMiB = availableMemoryMiB();
  const detail = `${availableMiB} MiB available`;
  if (availableMiB >= comfortableMemoryMiB) return { name: "memory", status: "fine", detail };
  return {
    name: "memory",
    status: "warning",
    detail: `${detail}; a guest takes 1024 MiB, and Nix as much while it evaluates`,
    remedy: "end other programs, or give guests less: --memory MIB",
  };
}

async function examineDisk(
  what: string,
  path: string,
  neededMiB: number,
  remedy: string,
): Promise<Finding> {
  const name = `disk for ${what}`;
  try {
    const freeMiB = await freeDiskMiB(path);
    const detail = `${freeMiB} MiB free in ${path}`;
    if (freeMiB >= neededMiB) return { name, status: "fine", detail };
    const status = freeMiB < neededMiB / 8 ? "missing" : "warning";
    return { name, status, detail: `${detail}, ${neededMiB} MiB are comfortable`, remedy };
  } catch {
    return { name, status: "warning", detail: `${path} is not there` };
  }
}

/** The first of these requirements that is not met. */
function lacking(...names: readonly string[]): Finding | undefined {
  const missing = missingRequirements().find(({ name }) => names.includes(name));
  if (missing === undefined) return undefined;
  const { name, why, debianPackages, elsewhere } = missing;
  const remedy = readDistribution().isDebianLike
    ? `dryboot setup, or by hand: ${byHand(debianPackages)}`
    : elsewhere;
  return {
    name: names[0] ?? name,
    status: "missing",
    detail: `${name} is missing: it ${why}`,
    remedy,
  };
}

function failing(name: string, error: unknown): Finding {
  if (!(error instanceof DrybootError)) throw error;
  const remedy = error.hint === undefined ? {} : { remedy: error.hint };
  return { name, status: "missing", detail: error.message, ...remedy };
}

async function versionOf(program: string, pattern: RegExp): Promise<string> {
  const { stdout } = await execa(program, ["--version"], { reject: false, stdin: "ignore" });
  return pattern.exec(stdout ?? "")?.[1] ?? "of an unknown version";
}
