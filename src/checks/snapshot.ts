import { randomUUID } from "node:crypto";
import type { Deadline } from "../deadline.ts";
import { parseUnits, type ListeningSocket } from "../guest/systemd.ts";
import { bootTimeCommand, parseBootTime, type BootTime } from "../machine/boot-time.ts";
import { listenersCommand, parseListeners } from "../machine/listeners.ts";
import type { CommandRunner } from "../machine/runner.ts";
import { quoteCommand } from "../machine/shell.ts";
import { unitProperties, unitState, type UnitState } from "../machine/unit-state.ts";

/** Everything that the checks look at, out of one command. */
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
  // Nothing that a unit writes about itself can pass for a heading.
  const mark = randomUUID();
  const { stdout } = await guest.execute(snapshotCommand(mark, units), {
    timeoutMs: Math.max(10_000, deadline.remainingMs),
    maxOutputBytes: 4 * 1024 * 1024,
  });
  return parseSnapshot(stdout, mark);
}

export function snapshotCommand(mark: string, units: readonly string[]): string {
  const list = "systemctl list-units --all --plain --no-legend --no-pager --full";
  const properties = [...unitProperties, "Names"].join(",");
  return `
heading() { printf '\\n%s %s\\n' ${mark} "$1"; }
heading state; systemctl is-system-running || true
heading jobs; systemctl list-jobs --no-legend --no-pager --full || true
heading uptime; cat /proc/uptime
heading system; readlink -e /run/current-system || true
heading boot; ${quoteCommand(bootTimeCommand)} || true
heading listeners; ${listenersCommand}
unsettled=$(${list} --state=failed,activating,deactivating,auto-restart || true)
heading unsettled; printf '%s\\n' "$unsettled"
names=()
while read -r name rest; do [ -z "$name" ] || names+=("$name"); done <<< "$unsettled"
heading units; systemctl show --property=${properties} -- ${quoteCommand(units)} "\${names[@]}" || true
`;
}

export function parseSnapshot(text: string, mark: string): Snapshot {
  const sections = new Map(
    text.split(`\n${mark} `).map((section) => {
      const end = section.indexOf("\n");
      return [section.slice(0, end), section.slice(end + 1)];
    }),
  );
  const section = (name: string): string => sections.get(name) ?? "";
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
