import { inject } from "vitest";
import { HostError, InterruptedError, NixError, UsageError, type ErrorDetails } from "../errors.ts";
import { bootable, build, type Bootable, type BuildOptions } from "../launch/index.ts";
import { toErrorData, type ErrorData } from "../report/index.ts";
import { slowProgress } from "./progress.ts";
import type { DrybootSettings } from "./settings.ts";
import { sharedWork, type SharedWork } from "./shared-work.ts";

/** A machine as tests ask for it. */
export interface WantedMachine {
  readonly reference: string;
  /** A module for its vm, as text or as a file. */
  readonly overrides?: string;
}

/** What came of building a machine, as plain data that workers are given. */
export type BuildOutcome =
  | {
      readonly vm: Bootable;
      readonly derivation: string;
      /** Which nixpkgs it was built from, in one line. */
      readonly nixpkgs: string;
      readonly error?: undefined;
    }
  | { readonly error: ErrorData };

/** A machine that a test has asked for, and what it got. */
export interface AskedBuild {
  readonly wanted: WantedMachine;
  readonly outcome: BuildOutcome;
}

declare module "vitest" {
  interface ProvidedContext {
    /** What was built before the first test, by {@link buildKey}. */
    drybootBuilds: Readonly<Record<string, BuildOutcome>>;
  }
  interface TaskMeta {
    /** Of a file: what its tests have asked for, by {@link buildKey}. */
    drybootAsked?: Record<string, AskedBuild>;
  }
}

/** Each machine once. */
export function distinctMachines(machines: readonly WantedMachine[]): WantedMachine[] {
  return [...new Map(machines.map((machine) => [buildKey(machine), machine])).values()];
}

export function buildKey({ reference, overrides }: WantedMachine): string {
  return JSON.stringify(overrides === undefined ? [reference] : [reference, overrides]);
}

/** Builds a machine; a failure is an outcome too. @throws {InterruptedError} */
export async function buildMachine(
  { reference, overrides }: WantedMachine,
  { cwd = process.cwd(), nixpkgs, nixPath, machinesDirectory }: DrybootSettings,
  options: Pick<BuildOptions, "signal" | "onProgress"> = {},
): Promise<BuildOutcome> {
  try {
    const { vm } = await build(reference, {
      ...options,
      cwd,
      ...(nixpkgs === undefined ? {} : { nixpkgsFromConfig: nixpkgs }),
      ...(nixPath === undefined ? {} : { nixPath }),
      ...(machinesDirectory === undefined ? {} : { machinesDirectory }),
      ...(overrides === undefined ? {} : { overrides }),
    });
    return {
      vm: bootable(vm),
      derivation: vm.vmDerivation,
      nixpkgs: vm.nixpkgs.description,
    };
  } catch (error) {
    if (error instanceof InterruptedError) throw error;
    return { error: toErrorData(error) };
  }
}

const building = new Map<string, SharedWork<BuildOutcome>>();

export interface BuiltOptions {
  readonly signal: AbortSignal;
  /** Also told of a build that failed. */
  readonly onOutcome: (build: AskedBuild) => void;
}

/**
 * The vm of a machine: built before the first test where a test file names the machine, else now, once in this process
 * for all tests that wait for it.
 * @throws what the build threw
 */
export async function builtVm(
  wanted: WantedMachine,
  settings: DrybootSettings,
  { signal, onOutcome }: BuiltOptions,
): Promise<Bootable> {
  const key = buildKey(wanted);
  const outcome =
    inject("drybootBuilds")?.[key] ??
    (await sharedWork(building, key, (shared) => buildNow(wanted, settings, shared)).wait(signal));
  onOutcome({ wanted, outcome });
  return vmOf(outcome);
}

async function buildNow(
  wanted: WantedMachine,
  settings: DrybootSettings,
  signal: AbortSignal,
): Promise<BuildOutcome> {
  const progress = slowProgress(wanted.reference);
  try {
    return await buildMachine(wanted, settings, { signal, onProgress: progress.show });
  } finally {
    progress.end();
  }
}

function vmOf(outcome: BuildOutcome): Bootable {
  if (outcome.error === undefined) return outcome.vm;
  throw toError(outcome.error);
}

/** The error that {@link toErrorData} was made of. */
function toError({ code, message, details, hint }: ErrorData): Error {
  const more: ErrorDetails = { details, hint };
  switch (code) {
    case "NIX_EVALUATION":
    case "NIX_BUILD":
      return new NixError(message, { ...more, code });
    case "USAGE":
    case "MACHINE_NOT_FOUND":
    case "CONFIG_INVALID":
      return new UsageError(message, { ...more, code });
    case "NIX_MISSING":
    case "NIXPKGS_MISSING":
    case "QEMU_MISSING":
    case "HOST_TOOL_MISSING":
    case "HOST_RESOURCES":
      return new HostError(message, { ...more, code });
    default:
      return new Error([message, ...details].join("\n"));
  }
}
