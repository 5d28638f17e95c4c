import type { Difference, DifferenceGroup, DifferenceRow } from "../nix/index.ts";

export interface ExplainedDifference extends DifferenceRow {
  readonly kind: "added" | "removed" | "changed";
  readonly reason: string;
}

/** What the vm has otherwise in one respect, and what nobody can therefore say of the deployed machine. */
export interface ExplainedGroup {
  readonly group: DifferenceGroup;
  readonly title: string;
  readonly differences: readonly ExplainedDifference[];
  readonly untested: string;
}

/** Why each group differs where no override of vm.nix says why, and what a guest cannot show of it. */
const groups: Readonly<
  Record<
    DifferenceGroup,
    { readonly title: string; readonly reason: string; readonly untested: string }
  >
> = {
  fileSystems: {
    title: "file systems",
    reason: "the guest has a fresh disk of its own, and a store made of its closure",
    untested:
      "partitions, labels, RAID, LUKS and swap; mount options of what lies on disks, and the data on them",
  },
  bootLoader: {
    title: "boot loader",
    reason: "QEMU starts the kernel itself",
    untested: "the boot loader: its menu, its installation, EFI, the space on /boot",
  },
  kernel: {
    title: "kernel and stage 1",
    reason: "QEMU's hardware is not the machine's",
    untested: "drivers, firmware and microcode for the machine's own hardware",
  },
  network: {
    title: "network",
    reason: "the guest has one card in a network of its own",
    untested: "the machine's interfaces, addresses, routes and name servers; Wi-Fi",
  },
  units: {
    title: "units",
    reason: "it follows from the file systems, the hardware or the console of the guest",
    untested: "what the removed units do, and the changed ones as they are deployed",
  },
  etc: {
    title: "/etc",
    reason: "it follows from other settings of the vm",
    untested: "these files as they are deployed",
  },
  users: {
    title: "users",
    reason: "it follows from other settings of the vm",
    untested: "these users as they are deployed",
  },
  packages: {
    title: "packages",
    reason: "it follows from other settings of the vm",
    untested: "programs that only the deployed machine has",
  },
};

/** True of every vm, whatever the configuration says. */
const alwaysShown: readonly DifferenceGroup[] = ["bootLoader", "kernel", "network"];

/** Gives each difference its reason; groups without a difference are left out, unless they are never tested. */
export function explainDifference({ groups: found, overrides }: Difference): ExplainedGroup[] {
  const patterns = overrides.flatMap(({ explains, reason }) =>
    explains.map((pattern) => ({ pattern: new RegExp(`^${pattern}$`), reason })),
  );
  return (Object.keys(groups) as DifferenceGroup[])
    .filter((group) => found[group].length > 0 || alwaysShown.includes(group))
    .map((group) => {
      const { title, untested, reason } = groups[group];
      const differences = found[group].map((row) => ({
        ...row,
        kind: kindOf(row),
        reason:
          patterns.find(({ pattern }) => pattern.test(`${group}:${row.name}`))?.reason ?? reason,
      }));
      return { group, title, differences, untested };
    });
}

function kindOf({ system, vm }: DifferenceRow): ExplainedDifference["kind"] {
  if (system === null) return "added";
  return vm === null ? "removed" : "changed";
}

/** Of two texts of several lines: those that only one of them has. */
export function changedLines({ system, vm }: DifferenceRow): {
  readonly removed: readonly string[];
  readonly added: readonly string[];
} {
  const [old, recent] = [system?.split("\n") ?? [], vm?.split("\n") ?? []];
  return {
    removed: old.filter((line) => line.trim() !== "" && !recent.includes(line)),
    added: recent.filter((line) => line.trim() !== "" && !old.includes(line)),
  };
}
