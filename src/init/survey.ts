import { existsSync } from "node:fs";
import { join, resolve } from "node:path";
import { UsageError } from "../errors.ts";
import {
  findMachine,
  listFlakeMachines,
  listMachines,
  type MachineSource,
  type NixOptions,
} from "../nix/index.ts";

/** A machine of a repository, and the word by which its tests start it. */
export interface FoundMachine {
  readonly source: MachineSource;
  /** `web`, `.#web`, `./configuration.nix`. */
  readonly reference: string;
}

export interface Survey {
  readonly machines: readonly FoundMachine[];
  /** Set where the machines lie in another directory than dryboot looks into by itself. */
  readonly machinesDirectory?: string;
}

/** Where repositories keep their machines when it is not `machines/`, most usual first. */
const usualDirectories = ["hosts", "nixos/hosts", "nixos/machines", "systems", "nodes", "nixos"];

const usualFiles = ["configuration.nix", "nixos/configuration.nix"];

/**
 * Finds the machines of a repository where its own tools find them: a flake's `nixosConfigurations`, the directories
 * that repositories use, a `configuration.nix`.
 * @throws {UsageError} `MACHINE_NOT_FOUND`
 */
export async function surveyRepository(options: NixOptions): Promise<Survey> {
  const { cwd } = options;
  if (existsSync(join(cwd, "flake.nix"))) {
    const machines = await listFlakeMachines(".", options);
    if (machines.length > 0)
      return {
        machines: machines.map((source) => ({ source, reference: `.#${source.attribute}` })),
      };
  }
  const named = await machinesIn(options);
  if (named.length > 0) return { machines: named };
  for (const machinesDirectory of usualDirectories) {
    const machines = await machinesIn({ ...options, machinesDirectory });
    if (machines.length > 0) return { machines, machinesDirectory };
  }
  const file = usualFiles.find((candidate) => existsSync(join(cwd, candidate)));
  if (file === undefined) throw nothingFound(cwd);
  const reference = `./${file}`;
  return { machines: [{ source: await findMachine(reference, options), reference }] };
}

async function machinesIn(options: NixOptions): Promise<FoundMachine[]> {
  if (!existsSync(resolve(options.cwd, options.machinesDirectory ?? "machines"))) return [];
  const machines = await listMachines(options);
  return machines
    .filter(({ kind }) => kind === "file")
    .map((source) => ({ source, reference: source.name }));
}

function nothingFound(cwd: string): UsageError {
  return new UsageError(`there is no NixOS configuration in ${cwd}`, {
    code: "MACHINE_NOT_FOUND",
    details: [
      "Looked for: nixosConfigurations of flake.nix,",
      `${["machines", ...usualDirectories].map((directory) => `${directory}/`).join(", ")}, ${usualFiles.join(", ")}`,
    ],
    hint: "Put a configuration into machines/NAME.nix, or set machinesDirectory in dryboot.config.json",
  });
}
