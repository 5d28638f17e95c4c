import type { Manifest } from "./manifest.ts";
import type { EvaluatedMachine, MachineSource, NixOptions } from "./types.ts";
import { evaluateVmNix } from "./vm-nix.ts";

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
  const { value, nixpkgs, warnings } = await evaluateVmNix<Evaluation>(
    "evaluation",
    source,
    options,
  );
  const { hostName } = value.manifest;
  return { ...value, source, nixpkgs, hostName, warnings };
}
