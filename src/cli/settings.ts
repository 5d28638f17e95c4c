import { resolve } from "node:path";
import type { Budgets, CheckName, Waivers } from "../checks/index.ts";
import { readConfigFile, type CheckSettings, type ConfigFile } from "../config/index.ts";
import { requireKnownMachines, type NixOptions } from "../nix/index.ts";
import type { Io } from "./io.ts";
import type { CommonOptions } from "./options.ts";

/** Options and configuration file in one. */
export interface Settings {
  readonly json: boolean;
  readonly verbose: boolean;
  readonly quiet: boolean;
  readonly keep: boolean;
  readonly accelerator: "auto" | "kvm" | "tcg";
  readonly lane: boolean;
  /** For whatever is done with Nix before a machine is known. */
  readonly nix: NixOptions;
  /** For one machine. */
  readonly of: (machine: string) => MachineSettings;
}

export interface MachineSettings {
  readonly nix: NixOptions;
  readonly memoryMiB?: number;
  readonly cores?: number;
  /** Without it a boot has the time that its accelerator needs. */
  readonly timeoutMs?: number;
  /** Whether a start is a boot where it could restore a checkpoint. */
  readonly cold: boolean;
  readonly checks: {
    readonly off: readonly CheckName[];
    readonly budgets: Budgets;
    readonly waivers: Waivers;
  };
}

export async function readSettings(options: CommonOptions, io: Io): Promise<Settings> {
  const config = await readConfigFile(io.cwd);
  const nix = nixOptions(options, config, io);
  requireKnownMachines(Object.keys(config.machines ?? {}), nix);
  return {
    json: options.json === true,
    verbose: options.verbose === true,
    quiet: options.quiet === true,
    keep: options.keep === true,
    accelerator: options.accel ?? config.accel ?? "auto",
    lane: options.lane ?? true,
    nix,
    of(machine) {
      const own = config.machines?.[machine] ?? {};
      const memoryMiB = options.memory ?? own.memory ?? config.memory;
      const cores = options.cores ?? own.cores ?? config.cores;
      const timeout = options.timeout ?? own.timeout ?? config.timeout;
      const size = {
        ...(memoryMiB === undefined ? {} : { memoryMiB }),
        ...(cores === undefined ? {} : { cores }),
      };
      return {
        nix: { ...nix, ...size },
        ...size,
        ...(timeout === undefined ? {} : { timeoutMs: timeout * 1000 }),
        cold: options.cold ?? own.cold ?? config.cold ?? false,
        checks: checksOf(config.checks, own.checks),
      };
    },
  };
}

function checksOf(
  everywhere: CheckSettings = {},
  own: CheckSettings = {},
): MachineSettings["checks"] {
  const bootSeconds = own.bootSeconds ?? everywhere.bootSeconds;
  const closureMiB = own.closureMiB ?? everywhere.closureMiB;
  return {
    off: [...(everywhere.off ?? []), ...(own.off ?? [])],
    budgets: {
      ...(bootSeconds === undefined ? {} : { bootMs: bootSeconds * 1000 }),
      ...(closureMiB === undefined ? {} : { closureBytes: closureMiB * 1024 * 1024 }),
    },
    waivers: { own: own.waive ?? [], everywhere: everywhere.waive ?? [] },
  };
}

function nixOptions(options: CommonOptions, config: ConfigFile, io: Io): NixOptions {
  return {
    cwd: io.cwd,
    signal: io.signal,
    verbose: options.verbose === true,
    ...(options.nixpkgs === undefined ? {} : { nixpkgs: options.nixpkgs }),
    ...(config.nixpkgs === undefined ? {} : { nixpkgsFromConfig: config.nixpkgs }),
    ...(options.include === undefined ? {} : { nixPath: options.include }),
    ...(options.expr === undefined ? {} : { expression: options.expr }),
    ...(config.machinesDirectory === undefined
      ? {}
      : { machinesDirectory: resolve(io.cwd, config.machinesDirectory) }),
  };
}
