import { readFile } from "node:fs/promises";
import { availableParallelism } from "node:os";
import type { TestSpecification, Vitest } from "vitest/node";
import { performance } from "../clock.ts";
import { formatMs } from "../deadline.ts";
import { availableMemoryMiB } from "../host/index.ts";
import { buildKey, buildMachine, type BuildOutcome } from "./builds.ts";
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
    const machines = machinesUsedIn(await readFile(specification.moduleId, "utf8").catch(() => ""));
    store.specifications.set(specification.moduleId, { specification, machines });
  }
  const named = specifications.flatMap(
    ({ moduleId }) => store.specifications.get(moduleId)?.machines ?? [],
  );
  const missing = [...new Set(named)].filter(
    (reference) => !store.outcomes.has(buildKey({ reference })),
  );
  if (missing.length === 0) return;
  const startedAtMs = performance.now();
  await buildAll(vitest, missing, settings, (reference, outcome) =>
    store.outcomes.set(buildKey({ reference }), outcome),
  );
  sayOnce(vitest, store);
  vitest.logger.log(
    `machines: ${summary(missing, store)} (${formatMs(performance.now() - startedAtMs)})`,
  );
}

/** `web, db`, or `web, and not db`: why not is what the tests of db say. */
function summary(references: readonly string[], { outcomes }: MachineStore): string {
  const isBuilt = (reference: string): boolean =>
    outcomes.get(buildKey({ reference }))?.error === undefined;
  const failed = references.filter((reference) => !isBuilt(reference));
  const built = references.filter(isBuilt).join(", ") || "none";
  return failed.length === 0 ? built : `${built}, and not ${failed.join(", ")}`;
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

/** What Nix takes to evaluate a machine of a real nixpkgs. */
const evaluationMiB = 2048;

function evaluationsAtOnce(): number {
  const byMemory = Math.floor(availableMemoryMiB() / evaluationMiB);
  return Math.max(1, Math.min(availableParallelism(), byMemory));
}

/** Builds machines by name; a machine that cannot be built is its tests' failure. */
export async function buildAll(
  vitest: Vitest,
  references: readonly string[],
  settings: DrybootSettings,
  onBuilt: (reference: string, outcome: BuildOutcome) => void,
): Promise<void> {
  const controller = new AbortController();
  const stopListening = vitest.onCancel((reason) => controller.abort(reason));
  const left = [...references];
  const buildSome = async (): Promise<void> => {
    for (let reference = left.shift(); reference !== undefined; reference = left.shift()) {
      const progress = slowProgress(reference, (line) => vitest.logger.log(line.trimEnd()));
      try {
        const options = { signal: controller.signal, onProgress: progress.show };
        onBuilt(reference, await buildMachine({ reference }, settings, options));
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
