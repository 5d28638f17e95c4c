import { judge } from "../machine/unit-state.ts";
import { failed, passed, type Check, type Finding } from "./check.ts";
import type { Snapshot } from "./snapshot.ts";

const anyUnit = /\.(?:service|socket|timer|path|mount|target|device|swap|automount|slice|scope)$/;

/** Two checks over every unit of the guest, whoever brought it; `known` have a check of their own. */
export function failureChecks(known: ReadonlySet<string>): Check[] {
  const systemd = { subject: "systemd", source: "systemd", finds: anyUnit };
  const strangers = (findings: readonly Finding[]): readonly Finding[] =>
    findings.filter(({ subject }) => !known.has(subject));
  return [
    {
      name: "unit-failed",
      ...systemd,
      judge: ({ snapshot }) => {
        const found = failedUnits(snapshot);
        if (found.length === 0) return passed("has no failed unit");
        const unexpected = strangers(found);
        return unexpected.length > 0
          ? unexpected
          : passed("has no failed unit but those that are checked by name");
      },
    },
    {
      name: "unit-stuck",
      ...systemd,
      judge: ({ snapshot }) => {
        const found = strangers(stuckUnits(snapshot));
        return found.length > 0 ? found : passed("has no unit that is still starting");
      },
    },
  ];
}

function failedUnits(snapshot: Snapshot): Finding[] {
  return snapshot.unsettled
    .filter((name) => snapshot.units.get(name)?.activeState === "failed")
    .map((subject) => ({
      subject,
      ...failed("has failed, though no check expected it to run"),
    }));
}

function stuckUnits(snapshot: Snapshot): Finding[] {
  return snapshot.unsettled.flatMap((subject) => {
    const state = snapshot.units.get(subject);
    if (state === undefined || state.activeState === "failed") return [];
    const verdict = judge(state);
    return [{ subject, ...failed("why" in verdict ? verdict.why : "is on its way") }];
  });
}

export function isUnitName(subject: string): boolean {
  return anyUnit.test(subject);
}
