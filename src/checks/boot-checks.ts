import { formatMs } from "../deadline.ts";
import { judge } from "../machine/unit-state.ts";
import type { Manifest } from "../nix/types.ts";
import type { CheckResult } from "./check.ts";
import type { Snapshot } from "./snapshot.ts";
import { isBooting } from "./unit-checks.ts";

type Outcome = Pick<CheckResult, "status" | "detail">;

export interface BootExpectation {
  readonly manifest: Manifest;
  /** The closure that the vm was built with. */
  readonly vmSystem: string;
}

export function bootChecks(expected: BootExpectation, snapshot: Snapshot): CheckResult[] {
  const { defaultUnit } = expected.manifest;
  return [
    {
      name: "guest runs the closure of the vm",
      subject: "/run/current-system",
      source: "system.build.toplevel",
      ...judgeSystem(expected.vmSystem, snapshot.currentSystem),
    },
    {
      name: "default target is reached",
      subject: defaultUnit,
      source: "systemd.defaultUnit",
      ...judgeTarget(defaultUnit, snapshot),
    },
    { name: "boot time", subject: "boot", source: "boot", ...describeBootTime(snapshot) },
  ];
}

function judgeSystem(vmSystem: string, currentSystem: string): Outcome {
  if (currentSystem === vmSystem) return { status: "passed", detail: `is ${vmSystem}` };
  return { status: "failed", detail: `is ${currentSystem || "not there"}, and not ${vmSystem}` };
}

function judgeTarget(name: string, snapshot: Snapshot): Outcome {
  if (snapshot.managerState === "")
    return { status: "failed", detail: "is unknown: systemd does not answer" };
  const state = snapshot.units.get(name);
  if (state?.activeState === "active") {
    return { status: "passed", detail: `is active, the system is ${snapshot.managerState}` };
  }
  const jobs = snapshot.runningJobs.join(", ");
  const waiting = isBooting(snapshot) && jobs !== "" ? `, the boot waits for ${jobs}` : "";
  return {
    status: "failed",
    detail: `is ${state?.activeState ?? "not known to systemd"}${waiting}`,
  };
}

function describeBootTime({ bootTime }: Snapshot): Outcome {
  const { kernelMs, initrdMs, userspaceMs, totalMs } = bootTime;
  if (userspaceMs === undefined || totalMs === undefined) {
    return { status: "skipped", detail: "has not ended" };
  }
  const parts = [
    `kernel and stage 1 ${formatMs(kernelMs)}`,
    ...(initrdMs === undefined ? [] : [`initrd ${formatMs(initrdMs)}`]),
    `userspace ${formatMs(userspaceMs)}`,
  ];
  return { status: "passed", detail: `took ${formatMs(totalMs)}: ${parts.join(", ")}` };
}

/** Two checks over every unit of the guest, whoever brought it; `known` have a check of their own. */
export function failureChecks(snapshot: Snapshot, known: ReadonlySet<string>): CheckResult[] {
  const states = snapshot.unsettled.map((name) => ({ name, state: snapshot.units.get(name) }));
  const failed = states
    .filter(({ state }) => state?.activeState === "failed")
    .map(({ name }) => name);
  const stuck = states.filter(({ name, state }) => state !== undefined && !failed.includes(name));
  const stuckText = stuck.map(({ name, state }) => {
    const verdict = state === undefined ? undefined : judge(state);
    return `${name} ${verdict !== undefined && "why" in verdict ? verdict.why : "is on its way"}`;
  });
  const systemd = { subject: "systemd", source: "systemd" };
  return [
    {
      name: "no unit has failed",
      ...systemd,
      ...(failed.length === 0
        ? { status: "passed", detail: "has no failed unit" }
        : { status: "failed", detail: `has failed units: ${failed.join(", ")}` }),
    },
    {
      name: "no unit is stuck",
      ...systemd,
      ...(stuck.length === 0
        ? { status: "passed", detail: "has no unit that is still starting" }
        : { status: "failed", detail: `is not done: ${stuckText.join("; ")}` }),
    },
    ...failed
      .filter((name) => !known.has(name))
      .map((name): CheckResult => ({
        name: "unit has not failed",
        subject: name,
        source: "systemd",
        status: "failed",
        detail: "has failed, though no check expected it to run",
      })),
  ];
}
