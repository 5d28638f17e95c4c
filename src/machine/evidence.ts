import { existsSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { alarmLines } from "../console/index.ts";
import { Deadline } from "../deadline.ts";
import { dataWithoutSecrets } from "../hidden-text.ts";
import { failedUnitsCommand, parseFailedUnits } from "./failed-units.ts";
import { withinLook } from "./look.ts";
import type { RunningGuest } from "./guest.ts";
import { pendingWaits, type PendingWait } from "./observe.ts";
import type { CommandRunner } from "./runner.ts";
import { screenshotOf } from "./screenshot.ts";
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
  /** What was being waited for at the time. */
  readonly waits: readonly PendingWait[];
  /** Why the guest is lost, where it is. */
  readonly failure: string | undefined;
  /** A PNG file in the run directory. */
  readonly screenshot: string | undefined;
  /** All that the console has shown, as a file in the run directory. */
  readonly consoleLog: string | undefined;
  /** Kept when the failure was reported to {@link Machine.keepRunDirectory}. */
  readonly runDirectory: string;
  readonly repeatCommand: string | undefined;
}

const mostUnits = 5;
const limitMs = 10_000;

/** Never throws, and takes a few seconds at most: what a guest cannot tell any more is left out. */
export async function collectEvidence(
  runner: CommandRunner,
  guest: Pick<RunningGuest, "console" | "directory" | "options" | "monitor">,
): Promise<Evidence> {
  const { console, directory, options } = guest;
  const consoleTail = console.transcript.tail(25);
  const consoleLog = join(directory.path, "console.log");
  const waits = pendingWaits(runner);
  const deadline = Deadline.after(limitMs * runner.timeoutScale);
  const failedUnits: FailedUnit[] = [];
  const screenshot = deadline.race(saveScreenshot(guest).catch(() => undefined));
  if (console.failure === undefined) {
    const read = (): Promise<void> => readFailedUnits(runner, failedUnits, deadline);
    await withinLook(runner, deadline, read).catch(() => {});
  }
  return dataWithoutSecrets({
    machine: runner.name,
    consoleTail,
    alarms: alarmLines(console.alarms),
    failedUnits: [...failedUnits],
    waits,
    failure: console.failure?.message,
    screenshot: await screenshot,
    consoleLog: existsSync(consoleLog) ? consoleLog : undefined,
    runDirectory: directory.path,
    repeatCommand: options.repeatCommand,
  });
}

async function saveScreenshot({
  directory,
  monitor,
}: Pick<RunningGuest, "directory" | "monitor">): Promise<string | undefined> {
  // QEMU makes its monitor before it starts the guest: where there is none now, none will come.
  if (!existsSync(directory.qmpSocket)) return undefined;
  const path = join(directory.path, "screen.png");
  const image = await screenshotOf({ directory, monitor });
  await writeFile(path, image, { mode: 0o600 });
  return path;
}

/** Fills `found` one by one, so that what came before the time was over is there. */
async function readFailedUnits(
  runner: CommandRunner,
  found: FailedUnit[],
  deadline: Deadline,
): Promise<void> {
  const { stdout } = await runner.execute(failedUnitsCommand);
  for (const name of parseFailedUnits(stdout).slice(0, mostUnits)) {
    if (deadline.expired) return;
    const unit = new Unit(runner, name);
    found.push({ name, status: await unit.status(), journal: await unit.journal() });
  }
}
