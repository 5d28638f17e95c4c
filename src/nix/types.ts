import type { Manifest } from "./manifest.ts";

/** Where a machine's configuration comes from. */
export type MachineSource =
  | {
      readonly kind: "file";
      readonly name: string;
      readonly path: string;
      readonly vmModule?: string;
    }
  | { readonly kind: "nixos-config"; readonly name: string; readonly path: string }
  | { readonly kind: "expression"; readonly name: string; readonly expression: string }
  | {
      readonly kind: "flake";
      readonly name: string;
      /** Without the attribute: `.`, `path:/srv/config`, `github:owner/repository`. */
      readonly reference: string;
      /** The name below `nixosConfigurations`. */
      readonly attribute: string;
    };

export interface Nixpkgs {
  readonly path: string;
  readonly origin: "option" | "config" | "nix-path" | "pocket" | "flake";
  /** One line for the user: what it is and where it was found. */
  readonly description: string;
  readonly version?: string;
}

/** What Nix is doing: `detail` is one line, the figures are there while derivations are built. */
export interface NixProgress {
  readonly phase: "nixpkgs" | "evaluate" | "build";
  readonly detail?: string;
  readonly built?: number;
  readonly total?: number;
}

export interface NixOptions {
  /** Where relative paths, `machines/` and flake references start. */
  readonly cwd: string;
  /** A nixpkgs to use before any other: a path, a URL or `channel:NAME`. */
  readonly nixpkgs?: string | Nixpkgs;
  /** The same from the configuration file; the option goes first. */
  readonly nixpkgsFromConfig?: string;
  /** `NAME=PATH` entries that go before `NIX_PATH`, as Nix's own `-I`. */
  readonly nixPath?: readonly string[];
  /** A module written in Nix, in place of a machine's file. */
  readonly expression?: string;
  /** A module for the vm alone: its text in Nix, or the path of a `.nix` file that starts at `cwd`. */
  readonly overrides?: string;
  /** Directory of the machines, relative to `cwd`. @default "machines" */
  readonly machinesDirectory?: string;
  readonly memoryMiB?: number;
  readonly cores?: number;
  readonly onProgress?: (progress: NixProgress) => void;
  readonly signal?: AbortSignal;
  /** Shows Nix's whole trace in evaluation errors. */
  readonly verbose?: boolean;
  /** A link that keeps what was built from Nix's garbage collector. */
  readonly gcRoot?: string;
}

export interface EvaluatedMachine {
  readonly source: MachineSource;
  readonly nixpkgs: Nixpkgs;
  readonly hostName: string;
  /** Store path of the vm's derivation. */
  readonly vmDerivation: string;
  /** Store path of the closure that is deployed; known, not built. */
  readonly system: string;
  readonly systemDerivation: string;
  readonly manifest: Manifest;
  /** What the configuration warned of while it was evaluated. */
  readonly warnings: readonly string[];
}

export interface BuiltVm extends EvaluatedMachine {
  /** Store path of the vm. */
  readonly vm: string;
  /** Store path of the closure that the vm boots. */
  readonly vmSystem: string;
  /** Absolute path of `bin/run-<host name>-vm`. */
  readonly runScript: string;
}
