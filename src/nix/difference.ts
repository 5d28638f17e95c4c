import type { MachineSource, NixOptions, Nixpkgs } from "./types.ts";
import { evaluateVmNix } from "./vm-nix.ts";

/** One name with what it is in the system that is deployed and in the vm; null where that one lacks it. */
export interface DifferenceRow {
  readonly name: string;
  readonly system: string | null;
  readonly vm: string | null;
}

/** A setting that vm.nix overrides. */
export interface OverrideRow {
  readonly option: string;
  /** null where the system has no such option. */
  readonly system: string | null;
  readonly value: string;
  readonly reason: string;
  /** Differences that it makes, as `GROUP:PATTERN`. */
  readonly explains: readonly string[];
}

export type DifferenceGroup =
  | "fileSystems"
  | "bootLoader"
  | "kernel"
  | "network"
  | "units"
  | "etc"
  | "users"
  | "packages";

export interface Difference {
  readonly hostName: string;
  readonly nixpkgs: Nixpkgs;
  readonly groups: Readonly<Record<DifferenceGroup, readonly DifferenceRow[]>>;
  readonly overrides: readonly OverrideRow[];
}

interface Evaluation {
  readonly hostName: string;
  readonly nixpkgs: { readonly path: string; readonly version: string };
  readonly groups: Difference["groups"] & { readonly overrides: Difference["overrides"] };
}

/**
 * Evaluates in what a machine's vm differs from the system that is deployed; nothing is built.
 * @throws {NixError} `NIX_EVALUATION`
 */
export async function evaluateDifference(
  source: MachineSource,
  options: NixOptions,
): Promise<Difference> {
  const { value, nixpkgs } = await evaluateVmNix<Evaluation>("difference", source, options);
  const { overrides, ...groups } = value.groups;
  return { hostName: value.hostName, nixpkgs, groups, overrides };
}
