import { readdir, readlink, realpath } from "node:fs/promises";
import { join } from "node:path";
import { NixError } from "../errors.ts";
import { buildFailure } from "./nix-failure.ts";
import { hostFlags, runNix } from "./run-nix.ts";
import type { BuiltVm, EvaluatedMachine, NixOptions } from "./types.ts";
import { offline, repeatCommand } from "./vm-nix.ts";

/**
 * Builds the vm of an evaluated machine.
 * @throws {NixError} `NIX_BUILD` with the end of the failing builder's log
 */
export async function buildVm(evaluated: EvaluatedMachine, options: NixOptions): Promise<BuiltVm> {
  const vm = await realise(evaluated.vmDerivation, evaluated, options);
  const scripts = (await readdir(join(vm, "bin"))).filter((name) => /^run-.+-vm$/.test(name));
  if (scripts[0] === undefined || scripts.length > 1) {
    throw new NixError(
      `${evaluated.source.name}: ${vm}/bin has ${scripts.length} run scripts, one was expected`,
      {
        code: "NIX_BUILD",
      },
    );
  }
  return {
    ...evaluated,
    vm,
    vmSystem: await realpath(join(vm, "system")),
    runScript: join(vm, "bin", scripts[0]),
  };
}

/**
 * Builds the closure that is deployed, and gives its store path.
 * @throws {NixError} `NIX_BUILD`
 */
export async function buildSystem(
  evaluated: EvaluatedMachine,
  options: NixOptions,
): Promise<string> {
  return realise(evaluated.systemDerivation, evaluated, options);
}

/** How many bytes a store path and everything that it refers to take. */
export async function closureBytes(path: string, { cwd, signal }: NixOptions): Promise<number> {
  const query = async (what: string, paths: readonly string[]): Promise<string[]> => {
    const { succeeded, stdout, log } = await runNix(
      ["nix-store", "--query", what, ...paths, ...hostFlags()],
      { cwd, signal },
    );
    if (succeeded) return stdout.trim().split("\n");
    throw new NixError(`the closure of ${path} cannot be read`, {
      code: "NIX_BUILD",
      details: log.errors.map(({ text }) => text),
    });
  };
  const sizes = await query("--size", await query("--requisites", [path]));
  return sizes.reduce((sum, size) => sum + Number(size), 0);
}

async function realise(
  derivation: string,
  evaluated: EvaluatedMachine,
  options: NixOptions,
): Promise<string> {
  const { cwd, onProgress, signal, gcRoot } = options;
  onProgress?.({ phase: "build", detail: evaluated.source.name });
  const root = gcRoot === undefined ? [] : ["--add-root", gcRoot, "--indirect"];
  const { succeeded, stdout, log } = await runNix(
    [
      "nix-store",
      "--realise",
      derivation,
      ...root,
      "--log-format",
      "internal-json",
      ...hostFlags(),
      ...offline(evaluated.nixpkgs),
    ],
    { cwd, phase: "build", onProgress, signal },
  );
  if (!succeeded) {
    throw buildFailure(log, {
      machine: evaluated.source.name,
      cwd,
      repeat: await repeatCommand(evaluated, options),
    });
  }
  const output = stdout.trim().split("\n").at(-1) ?? "";
  return gcRoot === undefined ? output : readlink(output);
}
