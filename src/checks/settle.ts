import type { Deadline } from "../deadline.ts";
import type { CommandRunner } from "../machine/runner.ts";
import { judge } from "../machine/unit-state.ts";
import type { Manifest } from "../nix/index.ts";
import { missingPorts } from "./port-checks.ts";
import { takeSnapshot, type Snapshot } from "./snapshot.ts";
import { enabledUnits, isBooting, judgeUnit, wanters } from "./unit-checks.ts";

export interface SettleOptions {
  readonly deadline: Deadline;
  readonly signal?: AbortSignal | undefined;
  /** Called with what is being waited for. */
  readonly onProgress?: ((waitingFor: string) => void) | undefined;
}

const pauseMs = 500;
/** Services of type simple open their ports after systemd calls them active. */
const portPatienceMs = 20_000;

/** Looks at the guest until nothing in it is still on its way, or until the deadline; gives the last look. */
export async function settle(
  guest: CommandRunner,
  manifest: Manifest,
  { deadline, signal, onProgress }: SettleOptions,
): Promise<Snapshot> {
  const names = unitsToShow(manifest);
  let portDeadline: Deadline | undefined;
  for (;;) {
    signal?.throwIfAborted();
    const snapshot = await takeSnapshot(guest, { units: names, deadline });
    let [waitingFor] = pending(manifest, snapshot);
    if (waitingFor === undefined) {
      portDeadline ??= deadline.orAfter(portPatienceMs);
      if (!portDeadline.expired) waitingFor = missingPorts(manifest, snapshot)[0];
    }
    if (waitingFor === undefined || deadline.expired) return snapshot;
    onProgress?.(waitingFor);
    await deadline.sleep(pauseMs);
  }
}

/** All that a judgement of units looks at. */
export function unitsToShow(manifest: Manifest): string[] {
  const units = enabledUnits(manifest.units);
  return [
    ...new Set([
      manifest.defaultUnit,
      ...units.flatMap((unit) => [unit.name, ...wanters(unit), ...unit.devices]),
    ]),
  ];
}

/** What may still change by itself, as text for people; a unit in a restart loop is not waited for. */
export function pending(manifest: Manifest, snapshot: Snapshot): string[] {
  if (snapshot.managerState === "") return [];
  const isHopeless = (name: string): boolean => {
    const state = snapshot.units.get(name);
    return state !== undefined && judge(state).kind === "hopeless";
  };
  const jobs = snapshot.runningJobs.filter((name) => !isHopeless(name));
  const starting =
    isBooting(snapshot) && snapshot.runningJobs.length === 0 ? ["the end of the boot"] : [];
  const units = enabledUnits(manifest.units)
    .filter((unit) => judgeUnit(unit, snapshot).status === "pending")
    // What waits behind a loop would be waited for in vain.
    .filter(() => jobs.length > 0 || !isBooting(snapshot) || snapshot.runningJobs.length === 0)
    .map((unit) => unit.name);
  return [...new Set([...jobs, ...units, ...starting])];
}
