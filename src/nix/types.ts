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

export interface ManifestUnit {
  /** With suffix: `nginx.service`, `backup.timer`. */
  readonly name: string;
  readonly description: string;
  /** A service's `Type=`, null where the configuration leaves it to the upstream unit; else the suffix. */
  readonly type: string | null;
  /** A service's `Restart=`. */
  readonly restart: string;
  readonly remainAfterExit: boolean;
  readonly wantedBy: readonly string[];
  readonly requiredBy: readonly string[];
  readonly hasConditions: boolean;
  readonly isTemplate: boolean;
  readonly startedByTimer: boolean;
  readonly startedBySocket: boolean;
  readonly startedByPath: boolean;
  /** Whether the machine's own files brought it, not NixOS by itself. */
  readonly fromConfiguration: boolean;
  /** The option that it comes from: `services.nginx`, `systemd.services.backup`. */
  readonly source: string;
  /** The file that set that option. */
  readonly file: string | null;
}

export interface PortRange {
  readonly from: number;
  readonly to: number;
}

/** A setting in which the vm differs from the system that is deployed. */
export interface Override {
  readonly option: string;
  readonly value: unknown;
  readonly reason: string;
}

/** What the configuration promises, read out of it by `vm.nix`. */
export interface Manifest {
  readonly hostName: string;
  readonly nixosVersion: string;
  readonly defaultUnit: string;
  readonly units: readonly ManifestUnit[];
  readonly firewallEnabled: boolean;
  readonly allowedTCPPorts: readonly number[];
  readonly allowedTCPPortRanges: readonly PortRange[];
  readonly allowedUDPPorts: readonly number[];
  readonly allowedUDPPortRanges: readonly PortRange[];
  readonly overrides: readonly Override[];
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
