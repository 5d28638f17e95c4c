import { judge, type UnitState } from "../machine/unit-state.ts";
import type { Manifest, ManifestUnit } from "../nix/index.ts";
import { declaredBy, type Check, type CheckResult, type Judgement } from "./check.ts";
import type { Snapshot } from "./snapshot.ts";

/** What one look says about a unit that the configuration enables. */
export type UnitVerdict =
  | Pick<CheckResult, "status" | "detail">
  | { readonly status: "pending"; readonly detail: string };

/** Timers and sockets have checks that say more. */
export function unitChecks({ units }: Manifest): Check[] {
  return enabledUnits(units)
    .filter(({ type, listens }) => type !== "timer" && !(type === "socket" && listens.length > 0))
    .map((unit) => ({
      name: "unit-active",
      subject: unit.name,
      ...declaredBy(unit),
      judge: ({ snapshot }) => judgeSettled(unit, snapshot),
    }));
}

/** What is still on its way when nobody waits any more has failed. */
export function judgeSettled(unit: ManifestUnit, snapshot: Snapshot): Judgement {
  const { status, detail } = judgeUnit(unit, snapshot);
  return { status: status === "pending" ? "failed" : status, detail };
}

/** The units that a boot has to start, or that something it starts will start on demand. */
export function enabledUnits(units: readonly ManifestUnit[]): ManifestUnit[] {
  return units.filter(
    (unit) =>
      !unit.isTemplate &&
      (wanters(unit).length > 0 || (unit.fromConfiguration && startedBy(unit) !== undefined)),
  );
}

export function wanters(unit: ManifestUnit): readonly string[] {
  return [...unit.wantedBy, ...unit.requiredBy];
}

/** Judges a unit by what systemd says and by what the configuration means it to do. */
export function judgeUnit(unit: ManifestUnit, snapshot: Snapshot): UnitVerdict {
  const state = snapshot.units.get(unit.name);
  if (state === undefined) return { status: "failed", detail: "is not known to systemd" };
  const verdict = judge(state);
  if (verdict.kind === "active") return judgeActive(state);
  if (!state.conditionsMet && state.activeState === "inactive" && !state.jobPending) {
    return { status: "skipped", detail: "was not started: a condition of it was not met" };
  }
  if (state.activeState === "inactive" && !state.jobPending && state.loadState === "loaded") {
    return judgeInactive(unit, state, snapshot);
  }
  if (verdict.kind === "hopeless") return { status: "failed", detail: verdict.why };
  return { status: "pending", detail: verdict.why };
}

function judgeActive(state: UnitState): UnitVerdict {
  if (state.activeState === "inactive") {
    return { status: "passed", detail: "ran and ended with success" };
  }
  const restarts = state.restarts > 0 ? `, after ${state.restarts} restarts` : "";
  return { status: "passed", detail: `is active (${state.subState})${restarts}` };
}

function judgeInactive(unit: ManifestUnit, state: UnitState, snapshot: Snapshot): UnitVerdict {
  const device = unit.devices.find((name) => snapshot.units.get(name)?.activeState !== "active");
  if (device !== undefined) {
    return { status: "skipped", detail: `has no ${nameOfDevice(device)} here: not tested` };
  }
  const starter = startedBy(unit);
  if (starter !== undefined) return { status: "skipped", detail: `waits for its ${starter}` };
  const reached = wanters(unit).some((name) => isReached(snapshot.units.get(name)));
  if (!reached) {
    return {
      status: "skipped",
      detail: `is wanted by ${wanters(unit).join(", ")} alone, which was not started`,
    };
  }
  if (state.hasRun && state.result === "success") {
    return {
      status: "warning",
      detail: "has ended with success, but is not declared as a oneshot",
    };
  }
  if (isBooting(snapshot)) return { status: "pending", detail: "has not been started yet" };
  return { status: "failed", detail: "is inactive: nothing has started it" };
}

/** `sys-subsystem-net-devices-enp1s0.device` is the interface enp1s0, `dev-ttyUSB0.device` is /dev/ttyUSB0. */
function nameOfDevice(unit: string): string {
  const [, interfaceName, path = ""] =
    /^(?:sys-subsystem-net-devices-(.+)|(.+))\.device$/.exec(unit) ?? [];
  const unescape = (text: string): string =>
    text.replaceAll(/\\x([0-9a-f]{2})/g, (_, code: string) =>
      String.fromCodePoint(Number.parseInt(code, 16)),
    );
  return interfaceName === undefined
    ? unescape(`/${path.replaceAll("-", "/")}`)
    : `interface ${unescape(interfaceName)}`;
}

/** A wanter that failed has been reached: what it wants was to be started. */
function isReached(wanter: UnitState | undefined): boolean {
  return wanter !== undefined && wanter.activeState !== "inactive";
}

export function isBooting(snapshot: Snapshot): boolean {
  return /^(?:initializing|starting)$/.test(snapshot.managerState);
}

function startedBy(unit: ManifestUnit): string | undefined {
  if (unit.startedByTimer) return "timer";
  if (unit.startedBySocket) return "socket";
  if (unit.startedByPath) return "path unit";
  return undefined;
}
