import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { resolve } from "node:path";
import { fileURLToPath } from "node:url";
import { UsageError } from "../errors.ts";
import { quoteWords } from "../shell-quote.ts";
import { flakeFlags } from "./flake.ts";
import { evaluationFailure } from "./nix-failure.ts";
import { resolveNixpkgs } from "./nixpkgs.ts";
import { isPocket, preparePocket } from "./pocket.ts";
import { hostFlags, runNix } from "./run-nix.ts";
import type { MachineSource, NixOptions, Nixpkgs } from "./types.ts";

const fileBeside = (name: string): string =>
  fileURLToPath(new URL(`../../${name}`, import.meta.url));
const vmNix = fileBeside("vm.nix");
/** Arguments of vm.nix that are files of their own. */
const parts = {
  describe: fileBeside("manifest.nix"),
  declarations: fileBeside("declarations.nix"),
  compare: fileBeside("difference.nix"),
  networkOverrides: fileBeside("network-overrides.nix"),
};

export interface Evaluated<Value> {
  readonly value: Value;
  readonly nixpkgs: Nixpkgs;
  /** What the configuration warned of. */
  readonly warnings: readonly string[];
}

/**
 * Evaluates one attribute of vm.nix for a machine, and builds nothing.
 * @throws {NixError} `NIX_EVALUATION`
 */
export async function evaluateVmNix<
  Value extends { readonly nixpkgs: { readonly path: string; readonly version: string } },
>(
  attribute: "evaluation" | "difference",
  source: MachineSource,
  options: NixOptions,
): Promise<Evaluated<Value>> {
  const { cwd, onProgress, signal } = options;
  const nixpkgs = source.kind === "flake" ? undefined : await resolveNixpkgs(options);
  if (nixpkgs !== undefined && isPocket(nixpkgs)) await preparePocket(options);
  onProgress?.({ phase: "evaluate", detail: source.name });
  const words = await evaluationCommand(attribute, { source, nixpkgs }, options);
  const { succeeded, stdout, log } = await runNix(
    [...words, "--log-format", "internal-json", ...hostFlags(), ...offline(nixpkgs)],
    { cwd, onProgress, signal },
  );
  if (!succeeded) {
    throw evaluationFailure(log, {
      machine: source.name,
      cwd,
      verbose: options.verbose === true,
      repeat: await repeatCommand({ source, nixpkgs }, options),
    });
  }
  const value = JSON.parse(stdout) as Value;
  return { value, nixpkgs: nixpkgs ?? ofFlake(value.nixpkgs), warnings: log.warnings };
}

/** A binary cache has nothing of the pocket, and where none is reachable Nix waits for it. */
export function offline(nixpkgs: Nixpkgs | undefined): readonly string[] {
  return nixpkgs !== undefined && isPocket(nixpkgs) ? ["--option", "substitute", "false"] : [];
}

/** The command that builds the same vm without dryboot. */
export async function repeatCommand(
  { source, nixpkgs }: { readonly source: MachineSource; readonly nixpkgs: Nixpkgs | undefined },
  options: NixOptions,
): Promise<string> {
  const words =
    source.kind === "flake"
      ? [
          "nix",
          "build",
          `${source.reference}#nixosConfigurations.${quotedAttribute(source)}.config.system.build.vm`,
          ...flakeFlags,
        ]
      : [
          "nix-build",
          vmNix,
          "-A",
          "vm",
          ...machineArguments(source, options),
          ...searchPath(source, nixpkgs, options),
        ];
  return quoteWords([...words, "--show-trace", ...hostFlags(), ...offline(nixpkgs)]);
}

async function evaluationCommand(
  wanted: string,
  { source, nixpkgs }: { readonly source: MachineSource; readonly nixpkgs: Nixpkgs | undefined },
  options: NixOptions,
): Promise<readonly [string, ...string[]]> {
  const trace = options.verbose === true ? ["--show-trace"] : [];
  if (source.kind === "flake") {
    const apply = await applyToFlake(wanted, options);
    const installable = `${source.reference}#nixosConfigurations.${quotedAttribute(source)}`;
    return ["nix", "eval", "--json", installable, "--apply", apply, ...flakeFlags, ...trace];
  }
  return [
    "nix-instantiate",
    "--eval",
    "--strict",
    "--json",
    "--read-write-mode",
    vmNix,
    "-A",
    wanted,
    ...machineArguments(source, options),
    ...searchPath(source, nixpkgs, options),
    ...trace,
  ];
}

/**
 * A flake is evaluated as `nix build` does it: purely, where vm.nix may not be read from where it lies, and no argument
 * can be given. So its text goes along; what a user has written is in it as numbers and as a quoted string.
 */
async function applyToFlake(wanted: string, options: NixOptions): Promise<string> {
  const texts = await Promise.all(
    Object.entries(parts).map(
      async ([name, file]) => `${name} = (${await readFile(file, "utf8")}\n);`,
    ),
  );
  const file = overridesFile(options);
  const overrides = file === undefined ? options.overrides : await readFile(file, "utf8");
  const own = [
    ...(overrides === undefined ? [] : [`extraVmModules = ${importOf(overrides)};`]),
    ...sizeArguments(options).map(([name, value]) => `${name} = ${value};`),
  ];
  const vm = await readFile(vmNix, "utf8");
  return `evaluated: ((${vm}) { inherit evaluated; ${[...texts, ...own].join(" ")} }).${wanted}`;
}

/**
 * Parsed by itself, as a file: what it says can end nothing but itself. Nix 2.8 forbids to import what `toFile` has made
 * where evaluation is pure, but not a path whose hash is known before.
 */
function importOf(text: string): string {
  const quoted = text.replaceAll(/["\\]|\$\{/g, "\\$&");
  const sha256 = createHash("sha256").update(text).digest("hex");
  const file = `builtins.toFile "overrides.nix" "${quoted}"`;
  return `import (builtins.path { path = ${file}; recursive = false; sha256 = "${sha256}"; })`;
}

function quotedAttribute({ attribute }: Extract<MachineSource, { kind: "flake" }>): string {
  if (/["\\]/.test(attribute))
    throw new UsageError(`no machine of a flake can be called ${attribute}`);
  return `"${attribute}"`;
}

function machineArguments(
  source: Exclude<MachineSource, { kind: "flake" }>,
  options: NixOptions,
): string[] {
  const machine =
    source.kind === "expression"
      ? ["--arg", "machine", source.expression]
      : ["--argstr", "machine", source.path];
  const vmModule =
    source.kind === "file" && source.vmModule !== undefined
      ? ["--argstr", "vmModules", source.vmModule]
      : [];
  return [
    ...machine,
    ...vmModule,
    ...overridesArguments(options),
    ...sizeArguments(options).flatMap(([name, value]) => ["--arg", name, value]),
  ];
}

function overridesArguments(options: NixOptions): string[] {
  const { overrides } = options;
  if (overrides === undefined) return [];
  const file = overridesFile(options);
  return file === undefined
    ? ["--arg", "extraVmModules", overrides]
    : ["--argstr", "extraVmModules", file];
}

/** A module's text always has a brace or a line break, or imports another. */
function overridesFile({ cwd, overrides = "" }: NixOptions): string | undefined {
  const isFile = overrides.endsWith(".nix") && !/[{}\n]|^import\s/.test(overrides);
  return isFile ? resolve(cwd, overrides) : undefined;
}

function sizeArguments({ memoryMiB, cores }: NixOptions): [string, string][] {
  return Object.entries({ memorySize: memoryMiB, cores }).flatMap(
    ([name, value]): [string, string][] => {
      if (value === undefined) return [];
      if (!Number.isSafeInteger(value) || value < 1)
        throw new UsageError(`${name} must be a whole number above 0, not ${value}`);
      return [[name, String(value)]];
    },
  );
}

/** `<nixpkgs>` and `<nixos-config>` mean the same to the machine's own files. */
function searchPath(
  source: MachineSource,
  nixpkgs: Nixpkgs | undefined,
  { nixPath = [] }: NixOptions,
): string[] {
  return [
    ...(nixpkgs === undefined ? [] : [`nixpkgs=${nixpkgs.path}`]),
    ...(source.kind === "file" || source.kind === "nixos-config"
      ? [`nixos-config=${source.path}`]
      : []),
    ...nixPath,
  ].flatMap((entry) => ["-I", entry]);
}

function ofFlake({ path, version }: { readonly path: string; readonly version: string }): Nixpkgs {
  return { path, origin: "flake", version, description: `${version} in ${path}, from the flake` };
}
