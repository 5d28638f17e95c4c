import { formatMs } from "../deadline.ts";
import type { Manifest } from "../nix/index.ts";
import { failed, passed, type Check, type Judgement } from "./check.ts";
import type { Look } from "./look.ts";
import type { Snapshot } from "./snapshot.ts";
import { isBooting } from "./unit-checks.ts";

/** What a machine may take; without a figure nothing is too much. */
export interface Budgets {
  /** Of the guest's own clock under KVM; under TCG four times as much. */
  readonly bootMs?: number;
  /** Of the closure that is deployed. */
  readonly closureBytes?: number;
}

export interface BootExpectation {
  readonly manifest: Manifest;
  /** The closure that the vm was built with; `undefined` before it is built. */
  readonly vmSystem?: string | undefined;
  readonly budgets?: Budgets;
}

export function bootChecks({ manifest, vmSystem, budgets = {} }: BootExpectation): Check[] {
  const { defaultUnit } = manifest;
  const { closureBytes } = budgets;
  return [
    {
      name: "system-closure",
      subject: "/run/current-system",
      source: "system.build.toplevel",
      judge: ({ snapshot }) => judgeSystem(vmSystem, snapshot.currentSystem),
    },
    {
      name: "default-target",
      subject: defaultUnit,
      source: "systemd.defaultUnit",
      judge: ({ snapshot }) => judgeTarget(defaultUnit, snapshot),
    },
    {
      name: "boot-time",
      subject: "boot",
      source: "boot",
      judge: (look) => judgeBootTime(look, budgets.bootMs),
    },
    ...(closureBytes === undefined
      ? []
      : [
          {
            name: "closure-size",
            subject: "closure",
            source: "system.build.toplevel",
            judge: (look: Look) => judgeClosure(look.closureBytes, closureBytes),
          } as const,
        ]),
  ];
}

function judgeSystem(vmSystem: string | undefined, currentSystem: string): Judgement {
  if (currentSystem === vmSystem) return passed(`is ${vmSystem}`);
  return failed(`is ${currentSystem || "not there"}, and not ${vmSystem}`);
}

function judgeTarget(name: string, snapshot: Snapshot): Judgement {
  if (snapshot.managerState === "") return failed("is unknown: systemd does not answer");
  const state = snapshot.units.get(name);
  if (state?.activeState === "active") {
    return passed(`is active, the system is ${snapshot.managerState}`);
  }
  const jobs = snapshot.runningJobs.join(", ");
  const waiting = isBooting(snapshot) && jobs !== "" ? `, the boot waits for ${jobs}` : "";
  return failed(`is ${state?.activeState ?? "not known to systemd"}${waiting}`);
}

function judgeBootTime({ snapshot, timeoutScale }: Look, budgetMs: number | undefined): Judgement {
  const { kernelMs, initrdMs, userspaceMs, totalMs } = snapshot.bootTime;
  if (userspaceMs === undefined || totalMs === undefined) {
    return budgetMs === undefined
      ? { status: "skipped", detail: "has not ended" }
      : failed("has not ended");
  }
  const parts = [
    `kernel and stage 1 ${formatMs(kernelMs)}`,
    ...(initrdMs === undefined ? [] : [`initrd ${formatMs(initrdMs)}`]),
    `userspace ${formatMs(userspaceMs)}`,
  ];
  const took = `took ${formatMs(totalMs)}: ${parts.join(", ")}`;
  if (budgetMs === undefined) return passed(took);
  const slower = timeoutScale === 1 ? "" : `, ${timeoutScale} times that without KVM`;
  const budget = `its budget is ${formatMs(budgetMs)}${slower}`;
  return totalMs > budgetMs * timeoutScale
    ? failed(`${took}; ${budget}`)
    : passed(`${took}; ${budget}`);
}

function judgeClosure(bytes: number | undefined, budgetBytes: number): Judgement {
  if (bytes === undefined) return { status: "skipped", detail: "was not measured" };
  const figures = `is ${mebibytes(bytes)}; its budget is ${mebibytes(budgetBytes)}`;
  return bytes > budgetBytes ? failed(figures) : passed(figures);
}

function mebibytes(bytes: number): string {
  return `${Math.ceil(bytes / 1024 / 1024)} MiB`;
}
