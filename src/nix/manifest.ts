/** What a configuration promises, read out of it by `manifest.nix` in the one evaluation of a machine and its vm. */
export interface Manifest {
  readonly hostName: string;
  readonly nixosVersion: string;
  readonly defaultUnit: string;
  readonly units: readonly ManifestUnit[];
  readonly firewallEnabled: boolean;
  readonly openPorts: readonly OpenPorts[];
  readonly servicePorts: readonly ServicePort[];
  readonly users: readonly ManifestUser[];
  readonly groups: readonly ManifestGroup[];
  readonly fileSystems: readonly ManifestFileSystem[];
  readonly sysctls: readonly ManifestSysctl[];
  readonly kernelModules: readonly ManifestKernelModule[];
  readonly etcFiles: readonly ManifestEtcFile[];
  readonly virtualHosts: readonly ManifestVirtualHost[];
  readonly certificates: readonly ManifestCertificate[];
  readonly overrides: readonly Override[];
}

/** Where something was declared. */
export interface Declaration {
  /** The option: `services.nginx`, `users.users.admin`. */
  readonly source: string;
  /** The file that set it; the machine's own file goes before NixOS's. */
  readonly file: string | null;
  /** Whether the machine's own files declare it, not NixOS by itself. */
  readonly fromConfiguration: boolean;
}

/** A declaration with the value that the vm gives it. */
export interface Promised extends Declaration {
  /** Names of the attributes that are the vm's and not the machine's; null where the vm lacks it altogether. */
  readonly replaced: readonly string[] | null;
}

export interface ManifestUnit extends Declaration {
  /** With suffix: `nginx.service`, `backup.timer`. */
  readonly name: string;
  readonly description: string;
  /** A service's `Type=`, null where the configuration leaves it to the upstream unit; else the suffix. */
  readonly type: string | null;
  /** A service's `Restart=`. */
  readonly restart: string;
  readonly remainAfterExit: boolean;
  /** Units that start it: by what it says itself, and by what they say. */
  readonly wantedBy: readonly string[];
  readonly requiredBy: readonly string[];
  /** Device units that it cannot run without, itself or by what it requires. */
  readonly devices: readonly string[];
  readonly hasConditions: boolean;
  readonly isTemplate: boolean;
  readonly startedByTimer: boolean;
  readonly startedBySocket: boolean;
  readonly startedByPath: boolean;
  /** What a socket unit listens on, as systemd writes addresses: `8080`, `[::1]:22`, `/run/some.sock`. */
  readonly listens: readonly { readonly protocol: "tcp" | "udp"; readonly address: string }[];
}

/** Ports that the firewall lets in. */
export interface OpenPorts extends Declaration {
  readonly protocol: "tcp" | "udp";
  readonly from: number;
  readonly to: number;
}

/** A port that an enabled service is told to use. */
export interface ServicePort {
  readonly port: number;
  readonly source: string;
}

export interface ManifestUser extends Promised {
  readonly name: string;
  /** null: whichever is free. */
  readonly uid: number | null;
  readonly group: string;
  readonly home: string;
  readonly createHome: boolean;
  readonly shell: string | null;
  /** Empty where no ssh server reads them. */
  readonly authorizedKeys: readonly string[];
}

export interface ManifestGroup extends Promised {
  readonly name: string;
  readonly gid: number | null;
  readonly members: readonly string[];
}

export interface ManifestFileSystem extends Promised {
  readonly mountPoint: string;
  readonly device: string | null;
  readonly fsType: string;
  readonly options: readonly string[];
}

export interface ManifestSysctl extends Promised {
  readonly name: string;
  readonly value: string;
}

export interface ManifestKernelModule extends Promised {
  readonly name: string;
}

export interface ManifestEtcFile extends Promised {
  /** Below `/etc`. */
  readonly target: string;
  /** `symlink`, or the mode of a copy. */
  readonly mode: string;
  /** The path that it is a link to or a copy of. */
  readonly content: string;
}

export interface ManifestVirtualHost extends Declaration {
  readonly name: string;
  readonly serverName: string;
  /** An empty address is every one. */
  readonly listens: readonly {
    readonly addr: string;
    readonly port: number;
    readonly ssl: boolean;
    /** Speaks PROXY protocol alone. */
    readonly behindProxy: boolean;
  }[];
}

export interface ManifestCertificate extends Declaration {
  readonly path: string;
  /** Names of the servers that show it. */
  readonly names: readonly string[];
  /** Issued to the deployed machine; the vm can only have a placeholder. */
  readonly isAcme: boolean;
}

/** A setting in which the vm differs from the system that is deployed. */
export interface Override {
  readonly option: string;
  readonly value: unknown;
  readonly reason: string;
  /** Differences between vm and system that it makes, as `GROUP:PATTERN`. */
  readonly explains: readonly string[];
}
