import { chmod, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { CommandRunner } from "../../../src/machine/index.ts";
import type { Manifest, ManifestUnit, Promised } from "../../../src/nix/index.ts";
import { hostRunner } from "../machine/host-runner.ts";

/** What the guest's systemctl and journalctl answer, each in their own format. */
export interface GuestState {
  readonly isSystemRunning?: string;
  readonly jobs?: string;
  readonly unsettled?: string;
  /** `systemctl show`: blocks parted by empty lines. */
  readonly units?: string;
  readonly status?: string;
  /** `journalctl --output=json`. */
  readonly journal?: string;
}

export interface GuestWithTools extends AsyncDisposable {
  readonly runner: CommandRunner;
  /** From now on the guest answers so. */
  become(state: GuestState): Promise<void>;
}

/** A guest whose commands run in this host's bash, with programs in the place of systemd's that print what is put there. */
export async function guestWithTools(state: GuestState): Promise<GuestWithTools> {
  const directory = await mkdtemp(join(tmpdir(), "dryboot-test-"));
  const program = async (name: string, text: string): Promise<void> => {
    await writeFile(join(directory, name), `#!/bin/bash\ncd ${directory}\n${text}`);
    await chmod(join(directory, name), 0o755);
  };
  const become = async (next: GuestState): Promise<void> => {
    const files = {
      isSystemRunning: "running\n",
      jobs: "",
      unsettled: "",
      units: "",
      status: "",
      journal: "",
      ...next,
    };
    for (const [name, text] of Object.entries(files)) await writeFile(join(directory, name), text);
  };
  await program(
    "systemctl",
    `case "$*" in
      is-system-running*) cat isSystemRunning; [ "$(cat isSystemRunning)" = running ] ;;
      list-jobs*) cat jobs ;;
      list-units*) cat unsettled ;;
      status*) cat status ;;
      "show --property=InitRD"*) printf '%s\\n' InitRDTimestampMonotonic=0 UserspaceTimestampMonotonic=5000000 FinishTimestampMonotonic=19000000 ;;
      show*)
        # The real one refuses to show anything as soon as one name is empty.
        for name; do [ -n "$name" ] || { echo "Invalid unit name" >&2; exit 1; }; done
        cat units ;;
    esac`,
  );
  await program(
    "journalctl",
    'case "$*" in *json*) cat journal ;; *) echo "[   12.1] sh[99]: no greeting" ;; esac',
  );
  await become(state);
  return {
    runner: hostRunner({ path: directory }),
    become,
    [Symbol.asyncDispose]: () => rm(directory, { recursive: true, force: true }),
  };
}

/** A unit as `vm.nix` describes it. */
export function manifestUnit(
  unit: Partial<ManifestUnit> & Pick<ManifestUnit, "name">,
): ManifestUnit {
  return {
    description: "",
    type: "simple",
    restart: "no",
    remainAfterExit: false,
    wantedBy: ["multi-user.target"],
    requiredBy: [],
    devices: [],
    hasConditions: false,
    isTemplate: false,
    startedByTimer: false,
    startedBySocket: false,
    startedByPath: false,
    fromConfiguration: true,
    listens: [],
    source: `systemd.services.${unit.name.replace(/\.service$/, "")}`,
    file: null,
    ...unit,
  };
}

export function manifestOf(units: readonly ManifestUnit[], more: Partial<Manifest> = {}): Manifest {
  return {
    hostName: "web",
    nixosVersion: "25.11",
    defaultUnit: "multi-user.target",
    units,
    firewallEnabled: true,
    openPorts: [],
    servicePorts: [],
    users: [],
    groups: [],
    fileSystems: [],
    sysctls: [],
    kernelModules: [],
    etcFiles: [],
    virtualHosts: [],
    certificates: [],
    overrides: [],
    ...more,
  };
}

/** A declaration of the machine's own, which the vm keeps. */
export const declared: Promised = {
  source: "some.option",
  file: "/machine.nix",
  fromConfiguration: true,
  replaced: [],
};

/** A block of `systemctl show`. */
export function shown(name: string, properties: Readonly<Record<string, string>> = {}): string {
  const all = {
    Type: "simple",
    RemainAfterExit: "no",
    NRestarts: "0",
    Result: "success",
    ExecMainStatus: "0",
    ExecMainExitTimestampMonotonic: "0",
    Id: name,
    Names: name,
    Description: name,
    LoadState: "loaded",
    ActiveState: "active",
    SubState: "running",
    UnitFileState: "enabled",
    ActiveEnterTimestampMonotonic: "1",
    InactiveEnterTimestampMonotonic: "0",
    ConditionResult: "yes",
    ConditionTimestampMonotonic: "1",
    ...properties,
  };
  return `${Object.entries(all)
    .map(([key, value]) => `${key}=${value}`)
    .join("\n")}\n\n`;
}

export const target: string = shown("multi-user.target", { SubState: "active", Type: "" });
