import { existsSync } from "node:fs";
import { join } from "node:path";
import { UsageError } from "../errors.ts";
import { nearestNames } from "../nearest.ts";
import { listMachineFiles } from "./machines.ts";
import type { NixOptions } from "./types.ts";

/**
 * Refuses settings of a machine whose name is nearly one that is here. Another name, and another number, may belong to a
 * machine that is called by its path, of which nothing is known yet; and a flake may have more machines, which only Nix
 * would know.
 * @param configured names for which the configuration file has settings
 * @throws {UsageError} `CONFIG_INVALID`
 */
export function requireKnownMachines(configured: readonly string[], options: NixOptions): void {
  if (configured.length === 0 || existsSync(join(options.cwd, "flake.nix"))) return;
  const names = listMachineFiles(options).map(({ name }) => name);
  for (const name of configured) {
    if (names.includes(name)) continue;
    const near = nearestNames(name, names).find((other) => family(other) !== family(name));
    if (near === undefined) continue;
    throw new UsageError(
      `the configuration file has settings of a machine «${name}», and there is none; did you mean ${near}?`,
      { code: "CONFIG_INVALID", hint: `Machines: ${names.join(", ")}` },
    );
  }
}

/** `web` of `web1` and `web2`. */
function family(name: string): string {
  return name.replaceAll(/\d+/g, "");
}
