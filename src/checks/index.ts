import type { Deadline } from "../deadline.ts";
import type { CommandRunner } from "../machine/runner.ts";
import { bootChecks, failureChecks, type BootExpectation } from "./boot-checks.ts";
import type { CheckResult } from "./check.ts";
import { addEvidence } from "./evidence.ts";
import { journalCheck, journalErrorsCommand, parseJournal } from "./journal.ts";
import { portChecks } from "./port-checks.ts";
import { settle } from "./settle.ts";
import type { Snapshot } from "./snapshot.ts";
import { enabledUnits, judgeUnit } from "./unit-checks.ts";

export { allHeld, type CheckResult, type CheckStatus } from "./check.ts";

export interface CheckOptions extends BootExpectation {
  /** Until then units may still be starting. */
  readonly deadline: Deadline;
  readonly signal?: AbortSignal | undefined;
  readonly onProgress?: ((waitingFor: string) => void) | undefined;
}

/** Waits until the guest's boot has settled, then makes every check that its configuration implies. */
export async function runChecks(
  guest: CommandRunner,
  options: CheckOptions,
): Promise<CheckResult[]> {
  const snapshot = await settle(guest, options.manifest, options);
  const units = unitChecks(options, snapshot);
  const journal = await guest.execute(journalErrorsCommand, { timeoutMs: 60_000 });
  return addEvidence(guest, [
    ...bootChecks(options, snapshot),
    ...failureChecks(snapshot, new Set(units.map(({ subject }) => subject))),
    ...units,
    ...portChecks(options.manifest, snapshot),
    journalCheck(options.manifest, parseJournal(journal.stdout)),
  ]);
}

function unitChecks({ manifest }: BootExpectation, snapshot: Snapshot): CheckResult[] {
  return enabledUnits(manifest.units).map((unit) => {
    const { status, detail } = judgeUnit(unit, snapshot);
    return {
      name: "unit is active",
      subject: unit.name,
      source: unit.source,
      status: status === "pending" ? "failed" : status,
      detail,
      ...(unit.fromConfiguration ? {} : { builtIn: true }),
    };
  });
}
