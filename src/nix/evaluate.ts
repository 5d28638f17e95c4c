import { readFile } from "node:fs/promises";
import { fileURLToPath } from "node:url";
import { UsageError } from "../errors.ts";
import { flakeFlags } from "./flake.ts";
import { evaluationFailure } from "./nix-failure.ts";
import { resolveNixpkgs } from "./nixpkgs.ts";
import { isPocket, preparePocket } from "./pocket.ts";
import { quoteWords } from "../shell-quote.ts";
import { hostFlags, runNix } from "./run-nix.ts";
import type { EvaluatedMachine, MachineSource, Manifest, NixOptions, Nixpkgs } from "./types.ts";

const vmNix = fileURLToPath(new URL("../../vm.nix", import.meta.url));
const manifestNix = fileURLToPath(new URL("../../manifest.nix", import.meta.url));

interface Evaluation {
  readonly manifest: Manifest;
  readonly nixpkgs: { readonly path: string; readonly version: string };
  readonly vmDerivation: string;
  readonly system: string;
  readonly systemDerivation: string;
}

/**
 * Evaluates a machine and its vm, once, and builds neither.
 * @throws {NixError} `NIX_EVALUATION`
 */
export async function evaluateMachine(
  source: MachineSource,
  options: NixOptions,
): Promise<EvaluatedMachine> {
  const { cwd, onProgress, signal } = options;
  const nixpkgs = source.kind === "flake" ? undefined : await resolveNixpkgs(options);
  if (nixpkgs !== undefined && isPocket(nixpkgs)) await preparePocket(options);
  onProgress?.({ phase: "evaluate", detail: source.name });
  const words = await evaluationCommand(source, nixpkgs, options);
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
  const { nixpkgs: used, ...evaluation } = JSON.parse(stdout) as Evaluation;
  return {
    source,
    nixpkgs: nixpkgs ?? ofFlake(used),
    hostName: evaluation.manifest.hostName,
    warnings: log.warnings,
    ...evaluation,
  };
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
  source: MachineSource,
  nixpkgs: Nixpkgs | undefined,
  options: NixOptions,
): Promise<readonly [string, ...string[]]> {
  const trace = options.verbose === true ? ["--show-trace"] : [];
  if (source.kind === "flake") {
    const apply = await applyToFlake(options);
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
    "evaluation",
    ...machineArguments(source, options),
    ...searchPath(source, nixpkgs, options),
    ...trace,
  ];
}

/**
 * A flake is evaluated as `nix build` does it: purely, where vm.nix may not be read from where it lies. So its text goes
 * along; of what a user may have written only two whole numbers are part of it.
 */
async function applyToFlake(options: NixOptions): Promise<string> {
  const sizes = sizeArguments(options).map(([name, value]) => `${name} = ${value};`);
  const [vm, manifest] = await Promise.all([
    readFile(vmNix, "utf8"),
    readFile(manifestNix, "utf8"),
  ]);
  return `evaluated: ((${vm}) { inherit evaluated; describe = (${manifest}); ${sizes.join(" ")} }).evaluation`;
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
    ...sizeArguments(options).flatMap(([name, value]) => ["--arg", name, value]),
  ];
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

function ofFlake({ path, version }: Evaluation["nixpkgs"]): Nixpkgs {
  return { path, origin: "flake", version, description: `${version} in ${path}, from the flake` };
}
