import { readFile } from "node:fs/promises";
import type { TestSpecification, Vitest } from "vitest/node";
import { performance } from "../clock.ts";
import { formatMs } from "../deadline.ts";
import { evaluationsAtOnce } from "../host/index.ts";
import {
  buildKey,
  buildMachine,
  distinctMachines,
  type BuildOutcome,
  type WantedMachine,
} from "./builds.ts";
import type { MachineStore } from "./machine-store.ts";
import { slowProgress } from "./progress.ts";
import type { DrybootSettings } from "./settings.ts";
import { machinesUsedIn } from "./used-machines.ts";

/** Builds the machines that files of tests name, those that are not built yet. */
export async function prepareMachines(
  vitest: Vitest,
  specifications: readonly TestSpecification[],
  settings: DrybootSettings,
  store: MachineStore,
): Promise<void> {
  for (const specification of specifications) {
    const source = await readFile(specification.moduleId, "utf8").catch(() => "");
    const machines = machinesUsedIn(source).map((reference) => ({ reference }));
    store.specifications.set(specification.moduleId, { specification, machines });
  }
  const named = specifications.flatMap(
    ({ moduleId }) => store.specifications.get(moduleId)?.machines ?? [],
  );
  const missing = distinctMachines(named).filter((wanted) => !store.outcomes.has(buildKey(wanted)));
  if (missing.length === 0) return;
  const startedAtMs = performance.now();
  await buildAll(vitest, missing, settings, (wanted, outcome) =>
    store.outcomes.set(buildKey(wanted), outcome),
  );
  sayOnce(vitest, store);
  vitest.logger.log(
    `machines: ${summary(missing, store)} (${formatMs(performance.now() - startedAtMs)})`,
  );
}

/** `web, db`, or `web, and not db`: why not is what the tests of db say. */
function summary(machines: readonly WantedMachine[], { outcomes }: MachineStore): string {
  const isBuilt = (wanted: WantedMachine): boolean =>
    outcomes.get(buildKey(wanted))?.error === undefined;
  const names = (all: readonly WantedMachine[]): string =>
    all.map(({ reference }) => reference).join(", ");
  const failed = machines.filter((wanted) => !isBuilt(wanted));
  const built = names(machines.filter(isBuilt)) || "none";
  return failed.length === 0 ? built : `${built}, and not ${names(failed)}`;
}

/** For all projects of a run. */
const saidIn = new WeakMap<Vitest, Set<string>>();

/** What dryboot has chosen by itself. */
function sayOnce(vitest: Vitest, { outcomes, notices }: MachineStore): void {
  const said = saidIn.get(vitest) ?? new Set();
  saidIn.set(vitest, said);
  const nixpkgs = [...outcomes.values()].flatMap((outcome) =>
    outcome.error === undefined ? [`nixpkgs: ${outcome.nixpkgs}`] : [],
  );
  for (const notice of [...notices, ...nixpkgs]) {
    if (!said.has(notice)) vitest.logger.log(notice);
    said.add(notice);
  }
}

/** Builds machines; one that cannot be built is its tests' failure. */
export async function buildAll(
  vitest: Vitest,
  machines: readonly WantedMachine[],
  settings: DrybootSettings,
  onBuilt: (wanted: WantedMachine, outcome: BuildOutcome) => void,
): Promise<void> {
  const controller = new AbortController();
  const stopListening = vitest.onCancel((reason) => controller.abort(reason));
  const left = [...machines];
  const buildSome = async (): Promise<void> => {
    for (let wanted = left.shift(); wanted !== undefined; wanted = left.shift()) {
      const progress = slowProgress(wanted.reference, (line) => vitest.logger.log(line.trimEnd()));
      try {
        const options = { signal: controller.signal, onProgress: progress.show };
        onBuilt(wanted, await buildMachine(wanted, settings, options));
      } finally {
        progress.end();
      }
    }
  };
  try {
    await Promise.all(Array.from({ length: evaluationsAtOnce() }, buildSome));
  } finally {
    stopListening();
  }
}
