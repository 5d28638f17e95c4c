export { buildSystem, buildVm } from "./build.ts";
export { evaluateMachine } from "./evaluate.ts";
export { listFlakeMachines } from "./flake.ts";
export { findMachine, listMachines } from "./machines.ts";
export { resolveNixpkgs } from "./nixpkgs.ts";
export { findPocket, isPocket, isPocketReady, preparePocket } from "./pocket.ts";
export type {
  BuiltVm,
  EvaluatedMachine,
  MachineSource,
  Manifest,
  ManifestUnit,
  NixOptions,
  NixProgress,
  Nixpkgs,
  Override,
  PortRange,
} from "./types.ts";
