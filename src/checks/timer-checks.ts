import { parseUnits } from "../guest/systemd.ts";
import { quoteCommand } from "../machine/shell.ts";
import type { Manifest, ManifestUnit } from "../nix/index.ts";
import { declaredBy, failed, passed, type Check, type Judgement } from "./check.ts";
import type { Look } from "./look.ts";
import { enabledUnits, judgeSettled } from "./unit-checks.ts";

export interface TimerState {
  readonly subState: string;
  /** As systemd prints it; empty where it will not elapse. */
  readonly next: string;
  readonly last: string;
}

const properties = [
  "Id",
  "SubState",
  "NextElapseUSecRealtime",
  "NextElapseUSecMonotonic",
  "LastTriggerUSec",
];

function timersOf({ units }: Manifest): ManifestUnit[] {
  return enabledUnits(units).filter(({ type }) => type === "timer");
}

export function timersQuestion(manifest: Manifest): string {
  const names = timersOf(manifest).map(({ name }) => name);
  return names.length === 0
    ? "true"
    : `systemctl show --property=${properties.join(",")} -- ${quoteCommand(names)}`;
}

export function parseTimers(text: string): Map<string, TimerState> {
  return new Map(
    [...parseUnits(text)].map(([name, shown]) => {
      const value = (property: string): string =>
        (shown.get(property) ?? "").replace(/^(?:0|infinity|n\/a|\[not set\])$/, "");
      const monotonic = value("NextElapseUSecMonotonic");
      return [
        name,
        {
          subState: value("SubState"),
          next: value("NextElapseUSecRealtime") || (monotonic && `${monotonic} after boot`),
          last: value("LastTriggerUSec"),
        },
      ];
    }),
  );
}

export function timerChecks(manifest: Manifest): Check[] {
  return timersOf(manifest).map((timer) => ({
    name: "timer-scheduled",
    subject: timer.name,
    ...declaredBy(timer),
    judge: (look) => judgeTimer(timer, look),
  }));
}

function judgeTimer(unit: ManifestUnit, { snapshot, facts }: Look): Judgement {
  const active = judgeSettled(unit, snapshot);
  const timer = facts.timers.get(unit.name);
  if (active.status !== "passed" || timer === undefined) return active;
  if (timer.next !== "") return passed(`elapses next ${timer.next}`);
  if (timer.subState === "running") return passed("has just elapsed, its unit is running");
  if (timer.last !== "") return passed(`elapsed ${timer.last}, and not again`);
  return failed(`is ${timer.subState}, but will never elapse`);
}
