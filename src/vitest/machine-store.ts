import type { TestSpecification } from "vitest/node";
import type { BuildOutcome, WantedMachine } from "./builds.ts";

/** What is known of the machines of a project's tests while vitest runs. */
export interface MachineStore {
  /** By {@link buildKey}. */
  readonly outcomes: Map<string, BuildOutcome>;
  /** Files of tests that have run, with the machines that they name, and those that they have asked for. */
  readonly specifications: Map<string, UsingSpecification>;
  /** What users should know of the host. */
  readonly notices: readonly string[];
}

/** @param warning what is to be said before the first machine is used */
export function createMachineStore(warning: string | undefined): MachineStore {
  const notices = warning === undefined ? [] : [warning];
  return { outcomes: new Map(), specifications: new Map(), notices };
}

export interface UsingSpecification {
  readonly specification: TestSpecification;
  readonly machines: readonly WantedMachine[];
}
