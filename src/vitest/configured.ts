import { readConfigFile } from "../config/index.ts";
import { requireKnownMachines } from "../nix/index.ts";
import type { DrybootSettings, GuestDefaults } from "./settings.ts";

/**
 * The settings that the command line reads too, from `dryboot.config.{js,mjs,json}`.
 * @throws {UsageError} `CONFIG_INVALID`
 */
export async function configuredSettings(directory: string): Promise<DrybootSettings> {
  const {
    nixpkgs,
    machinesDirectory,
    accel,
    machines = {},
    ...limits
  } = await readConfigFile(directory);
  const here = {
    cwd: directory,
    ...(machinesDirectory === undefined ? {} : { machinesDirectory }),
  };
  requireKnownMachines(Object.keys(machines), here);
  return {
    ...here,
    ...guestDefaults(limits),
    ...(nixpkgs === undefined ? {} : { nixpkgs }),
    ...(accel === undefined ? {} : { accelerator: accel }),
    machines: Object.fromEntries(
      Object.entries(machines).map(([name, own]) => [name, guestDefaults(own)]),
    ),
  };
}

interface Limits {
  readonly memory?: number;
  readonly cores?: number;
  readonly timeout?: number;
  readonly cold?: boolean;
}

function guestDefaults({ memory, cores, timeout, cold }: Limits): GuestDefaults {
  return {
    ...(memory === undefined ? {} : { memoryMiB: memory }),
    ...(cores === undefined ? {} : { cores }),
    ...(timeout === undefined ? {} : { bootTimeoutMs: timeout * 1000 }),
    ...(cold === undefined ? {} : { cold }),
  };
}
