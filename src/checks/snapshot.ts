import type { Deadline } from "../deadline.ts";
import { parseUnits, type ListeningSocket } from "../guest/systemd.ts";
import { bootTimeCommand, parseBootTime, type BootTime } from "../machine/boot-time.ts";
import { listenersCommand, parseListeners } from "../machine/listeners.ts";
import type { CommandRunner } from "../machine/runner.ts";
import { quoteCommand } from "../machine/shell.ts";
import { unitProperties, unitState, type UnitState } from "../machine/unit-state.ts";
import { ask, type Questions } from "./sections.ts";

/** What changes while a guest boots, out of one command. */
export interface Snapshot {
  /** `systemctl is-system-running`; empty where systemd does not answer. */
  readonly managerState: string;
  /** Units that systemd is working on at this moment, not those that wait for others. */
  readonly runningJobs: readonly string[];
  /** The units that were asked for and those below, by every name they have. */
  readonly units: ReadonlyMap<string, UnitState>;
  /** Units that failed or are neither up nor down, whoever brought them. */
  readonly unsettled: readonly string[];
  readonly listeners: readonly ListeningSocket[];
  /** Where /run/current-system points. */
  readonly currentSystem: string;
  readonly bootTime: BootTime;
}

export interface SnapshotOptions {
  readonly units: readonly string[];
  readonly deadline: Deadline;
}

/** One look at the guest, in one round trip. */
export async function takeSnapshot(
  guest: CommandRunner,
  { units, deadline }: SnapshotOptions,
): Promise<Snapshot> {
  const timeoutMs = Math.max(10_000, deadline.remainingMs);
  return parseSnapshot(
    await ask(guest, snapshotQuestions(units), { purpose: "look at the units", timeoutMs }),
  );
}

function snapshotQuestions(units: readonly string[]): Questions {
  const list = "systemctl list-units --all --plain --no-legend --no-pager --full";
  const properties = [...unitProperties, "Names"].join(",");
  return {
    state: "systemctl is-system-running",
    jobs: "systemctl list-jobs --no-legend --no-pager --full",
    uptime: "cat /proc/uptime",
    system: "readlink -e /run/current-system",
    boot: quoteCommand(bootTimeCommand),
    listeners: listenersCommand,
    unsettled: `unsettled=$(${list} --state=failed,activating,deactivating,auto-restart || true)
printf '%s\\n' "$unsettled"
names=()
while read -r name rest; do [ -z "$name" ] || names+=("$name"); done <<< "$unsettled"`,
    units: `systemctl show --property=${properties} -- ${quoteCommand(units)} "\${names[@]}"`,
  };
}

export function parseSnapshot(section: (name: string) => string): Snapshot {
  const uptimeMs = Number.parseFloat(section("uptime")) * 1000 || 0;
  return {
    managerState: section("state").trim(),
    runningJobs: parseRunningJobs(section("jobs")),
    units: unitsByName(section("units"), uptimeMs),
    unsettled: parseListedUnits(section("unsettled")),
    listeners: parseListeners(section("listeners")),
    currentSystem: section("system").trim(),
    bootTime: parseBootTime(section("boot")),
  };
}

/** `  47 nginx.service  start running`, as `systemctl list-jobs` prints it. */
function parseRunningJobs(text: string): string[] {
  return text
    .split("\n")
    .flatMap((line) => /^\s*\d+ (\S+)\s+\S+\s+running\s*$/.exec(line)?.[1] ?? []);
}

/** The first column; old versions of systemctl put a dot before a failed unit even with `--plain`. */
function parseListedUnits(text: string): string[] {
  return text.split("\n").flatMap((line) => /^\W*?(\S*\w\.[a-z]+)\s/.exec(line)?.[1] ?? []);
}

function unitsByName(text: string, uptimeMs: number): Map<string, UnitState> {
  const units = new Map<string, UnitState>();
  for (const [id, properties] of parseUnits(text)) {
    const state = unitState(properties, uptimeMs);
    for (const name of [id, ...(properties.get("Names") ?? "").split(" ")]) units.set(name, state);
  }
  return units;
}
