import { Deadline } from "../deadline.ts";
import { failedUnitsCommand, parseFailedUnits } from "./failed-units.ts";
import type { RunningGuest } from "./guest.ts";
import type { CommandRunner } from "./runner.ts";
import { Unit } from "./subjects/unit.ts";

export interface FailedUnit {
  readonly name: string;
  readonly status: string;
  readonly journal: string;
}

/** What a reader needs to understand why something failed on a guest. */
export interface Evidence {
  readonly machine: string;
  readonly consoleTail: readonly string[];
  /** Lines of the console that mean that the guest was hurt. */
  readonly alarms: readonly string[];
  readonly failedUnits: readonly FailedUnit[];
  /** Kept when the failure was reported to {@link Machine.keepRunDirectory}. */
  readonly runDirectory: string;
  readonly repeatCommand: string | undefined;
}

const mostUnits = 5;
const limitMs = 10_000;

/** Never throws, and takes a few seconds at most: what a guest cannot tell any more is left out. */
export async function collectEvidence(
  runner: CommandRunner,
  { console, directory, options }: Pick<RunningGuest, "console" | "directory" | "options">,
): Promise<Evidence> {
  const consoleTail = console.transcript.tail(25);
  const deadline = Deadline.after(limitMs * runner.timeoutScale);
  const failedUnits: FailedUnit[] = [];
  if (console.failure === undefined) {
    await deadline.race(readFailedUnits(runner, failedUnits, deadline).catch(() => {}));
  }
  return {
    machine: runner.name,
    consoleTail,
    alarms: console.alarms.map((alarm) => `${alarm.name}: ${alarm.line}`),
    failedUnits: [...failedUnits],
    runDirectory: directory.path,
    repeatCommand: options.repeatCommand,
  };
}

/** Fills `found` one by one, so that what came before the time was over is there. */
async function readFailedUnits(
  runner: CommandRunner,
  found: FailedUnit[],
  deadline: Deadline,
): Promise<void> {
  const { stdout } = await runner.execute(failedUnitsCommand, { timeoutMs: deadline.remainingMs });
  for (const name of parseFailedUnits(stdout).slice(0, mostUnits)) {
    if (deadline.expired) return;
    const unit = new Unit(runner, name);
    found.push({ name, status: await unit.status(), journal: await unit.journal() });
  }
}
