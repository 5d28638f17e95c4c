export { buildSystem, buildVm, closureBytes } from "./build.ts";
export {
  evaluateDifference,
  type Difference,
  type DifferenceGroup,
  type DifferenceRow,
  type OverrideRow,
} from "./difference.ts";
export { evaluateMachine } from "./evaluate.ts";
export { listFlakeMachines } from "./flake.ts";
export { originalOf } from "./flake-copy.ts";
export { requireKnownMachines } from "./known-machines.ts";
export { findMachine, listMachineFiles, listMachines } from "./machines.ts";
export { resolveNixpkgs } from "./nixpkgs.ts";
export { findPocket, isPocket, isPocketReady, preparePocket } from "./pocket.ts";
export type {
  Declaration,
  Manifest,
  ManifestCertificate,
  ManifestEtcFile,
  ManifestFileSystem,
  ManifestGroup,
  ManifestKernelModule,
  ManifestSysctl,
  ManifestUnit,
  ManifestUser,
  ManifestVirtualHost,
  OpenPorts,
  Override,
  Promised,
  ServicePort,
} from "./manifest.ts";
export type {
  BuiltVm,
  EvaluatedMachine,
  MachineSource,
  NixOptions,
  NixProgress,
  Nixpkgs,
} from "./types.ts";
