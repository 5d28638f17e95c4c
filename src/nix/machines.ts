import { existsSync, readdirSync, statSync } from "node:fs";
import { basename, dirname, join, resolve } from "node:path";
import { UsageError } from "../errors.ts";
import { findFlakeMachine, isFlakeReference, listFlakeMachines } from "./flake.ts";
import { nearestNames } from "../nearest.ts";
import type { MachineSource, NixOptions } from "./types.ts";

const systemConfiguration = "/etc/nixos/configuration.nix";

/**
 * The machine that a word on the command line means: a name, a path, a flake reference; or, without a word, what NixOS's
 * own tools would take.
 * @throws {UsageError} `MACHINE_NOT_FOUND` with the names that exist
 */
export async function findMachine(
  reference: string | undefined,
  options: NixOptions,
): Promise<MachineSource> {
  const { cwd, expression } = options;
  if (expression !== undefined)
    return { kind: "expression", name: reference ?? "expression", expression };
  if (reference === undefined) return onlyMachine(options);
  if (isFlakeReference(reference)) return findFlakeMachine(reference, options);
  if (isPath(reference)) return fileMachine(resolve(cwd, reference), reference);
  const machines = await listMachines(options);
  const found = machines.find(({ name }) => name === reference);
  if (found !== undefined) return found;
  throw notFound(`there is no machine «${reference}»`, reference, machines, options);
}

/** Every machine below `machines/`, or else of the flake in the current directory. */
export async function listMachines(options: NixOptions): Promise<readonly MachineSource[]> {
  const machines = listMachineFiles(options);
  if (machines.length > 0 || !existsSync(join(options.cwd, "flake.nix"))) return machines;
  return listFlakeMachines(".", options);
}

/** Every machine below `machines/`; Nix is not asked, and so no flake. */
export function listMachineFiles(options: NixOptions): readonly MachineSource[] {
  const directory = machinesDirectory(options);
  return existsSync(directory) ? machinesIn(directory) : [];
}

function machinesIn(directory: string): MachineSource[] {
  const named = readdirSync(directory)
    .filter((entry) => !entry.startsWith("."))
    .sort()
    .flatMap((entry): MachineSource[] => {
      const path = configurationIn(join(directory, entry));
      return path === undefined ? [] : [fileSource(path)];
    });
  // machines/web.nix goes before machines/web/default.nix, and both are the machine web.
  return named.filter(
    ({ name }, index) => named.findIndex((other) => other.name === name) === index,
  );
}

/** The file that configures a machine: the path itself, or what NixOS looks for in a directory. */
function configurationIn(path: string): string | undefined {
  if (!existsSync(path)) return undefined;
  if (!statSync(path).isDirectory()) return path.endsWith(".nix") ? path : undefined;
  return ["default.nix", "configuration.nix"]
    .map((file) => join(path, file))
    .find((file) => existsSync(file));
}

function fileSource(path: string): MachineSource {
  const name = nameOf(path);
  const isInside = basename(dirname(path)) === name;
  const vmModule = join(dirname(path), ...(isInside ? [] : [name]), "vm.nix");
  return {
    kind: "file",
    name,
    path,
    ...(existsSync(vmModule) && vmModule !== path ? { vmModule } : {}),
  };
}

/** `web` of `machines/web.nix` and of `machines/web/configuration.nix`. */
function nameOf(path: string): string {
  const name = basename(path).replace(/\.nix$/, "");
  return name === "default" || name === "configuration" ? basename(dirname(path)) : name;
}

function fileMachine(path: string, reference: string): MachineSource {
  const file = configurationIn(path);
  if (file !== undefined) return fileSource(file);
  if (!existsSync(path))
    throw new UsageError(`there is no file ${reference}`, { code: "MACHINE_NOT_FOUND" });
  throw new UsageError(
    statSync(path).isDirectory()
      ? `${reference} is a directory without default.nix or configuration.nix`
      : `${reference} is not a Nix file`,
    { code: "MACHINE_NOT_FOUND" },
  );
}

async function onlyMachine(options: NixOptions): Promise<MachineSource> {
  const configured = nixosConfig(options);
  if (configured !== undefined) {
    const path = configurationIn(resolve(options.cwd, configured.path));
    if (path !== undefined) return { kind: "nixos-config", name: nameOf(path), path };
    throw new UsageError(`${configured.from} names ${configured.path}, which is not there`, {
      code: "MACHINE_NOT_FOUND",
    });
  }
  const machines = await listMachines(options);
  const [only] = machines;
  if (only !== undefined && machines.length === 1) return only;
  throw notFound(
    machines.length === 0 ? "there is no machine" : "which machine?",
    undefined,
    machines,
    options,
  );
}

/** As NixOS finds it: `-I nixos-config=`, `NIXOS_CONFIG`, `NIX_PATH`. */
function nixosConfig({
  nixPath = [],
}: NixOptions): { readonly path: string; readonly from: string } | undefined {
  const prefix = "nixos-config=";
  const entry = (entries: readonly string[]): string | undefined =>
    entries.find((candidate) => candidate.startsWith(prefix))?.slice(prefix.length);
  const candidates = [
    { from: "-I nixos-config", path: entry(nixPath) },
    { from: "NIXOS_CONFIG", path: process.env["NIXOS_CONFIG"] },
    { from: "NIX_PATH", path: entry((process.env["NIX_PATH"] ?? "").split(":")) },
  ];
  for (const { from, path } of candidates)
    if (path !== undefined && path !== "") return { from, path };
  return undefined;
}

function notFound(
  message: string,
  reference: string | undefined,
  machines: readonly MachineSource[],
  options: NixOptions,
): UsageError {
  const names = machines.map(({ name }) => name);
  const near = reference === undefined ? [] : nearestNames(reference, names);
  const meant = near.length > 0 ? `; did you mean ${near.join(" or ")}?` : "";
  return new UsageError(`${message}${meant}`, {
    code: "MACHINE_NOT_FOUND",
    hint:
      names.length > 0
        ? `Machines: ${names.join(", ")}`
        : `Put a configuration into ${machinesDirectory(options)}/NAME.nix, or name a file, a flake (.#NAME) or --expr${existsSync(systemConfiguration) ? `, such as ${systemConfiguration}` : ""}`,
  });
}

function machinesDirectory({ cwd, machinesDirectory: directory = "machines" }: NixOptions): string {
  return resolve(cwd, directory);
}

function isPath(reference: string): boolean {
  return reference.includes("/") || reference.startsWith(".") || reference.endsWith(".nix");
}
