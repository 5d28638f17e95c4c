import { parseFacts } from "../../../src/checks/facts.ts";
import type { Look } from "../../../src/checks/look.ts";
import { planChecks, type CheckName, type CheckResult } from "../../../src/checks/index.ts";
import { parseSnapshot } from "../../../src/checks/snapshot.ts";
import type { Manifest } from "../../../src/nix/index.ts";
import { manifestOf, target } from "./guest-tools.ts";

/** What a guest answers to each question; those that are left out get no answer. */
export type Answers = Readonly<Record<string, string>>;

/** A look at a guest that answers so. */
export function lookOf(answers: Answers, more: Partial<Look> = {}): Look {
  const all: Answers = {
    state: "running\n",
    uptime: "100 50",
    now: "1800000000",
    units: target,
    ...answers,
  };
  const section = (name: string): string => all[name] ?? "";
  return { snapshot: parseSnapshot(section), facts: parseFacts(section), timeoutScale: 1, ...more };
}

/** What the checks of one kind come to: by subject, status and detail. */
export function judged(
  name: CheckName,
  manifest: Partial<Manifest>,
  look: Look,
): Readonly<Record<string, Pick<CheckResult, "status" | "detail">>> {
  const plan = planChecks({ manifest: manifestOf([], manifest) });
  const results = plan
    .filter((check) => check.name === name)
    .flatMap(({ subject, judge }) => {
      const found = judge(look);
      return Array.isArray(found) ? found : [{ subject, ...found }];
    });
  return Object.fromEntries(
    results.map(({ subject, status, detail }) => [subject, { status, detail }]),
  );
}
