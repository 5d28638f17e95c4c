import { relative, resolve } from "node:path";
import type { TestProject, Vitest } from "vitest/node";
import { clearTimeout, setTimeout } from "../clock.ts";
import { buildKey, distinctMachines, type BuildOutcome, type WantedMachine } from "./builds.ts";
import type { MachineStore } from "./machine-store.ts";
import { buildAll } from "./prepare.ts";
import type { DrybootSettings } from "./settings.ts";

/** Editors write a file in several steps. */
const settleMs = 300;

const isNixFile = /\.nix$|(?:^|\/)flake\.lock$/;

/** In watch mode: when a Nix file has changed, the tests of those machines run again that are another derivation now. */
export function watchMachines(
  vitest: Vitest,
  project: TestProject,
  settings: DrybootSettings,
  store: MachineStore,
): void {
  const changed = new Set<string>();
  let timer: NodeJS.Timeout | undefined;
  let looking = Promise.resolve();
  const { watcher } = vitest.vite;
  const { cwd = project.config.root, machinesDirectory = "machines" } = settings;
  watcher.add(resolve(cwd, machinesDirectory));
  const onFile = (_event: string, path: string): void => {
    if (!isNixFile.test(path)) return;
    changed.add(relative(project.config.root, path));
    clearTimeout(timer);
    timer = setTimeout(() => {
      const files = [...changed];
      changed.clear();
      looking = looking
        .then(() => look(files))
        .catch((error) => vitest.logger.error(String(error)));
    }, settleMs);
  };
  const look = async (files: readonly string[]): Promise<void> => {
    const machines = await changedMachines(vitest, settings, store);
    const keys = new Set(machines.map(buildKey));
    const again = [...store.specifications.values()]
      .filter((using) => using.machines.some((machine) => keys.has(buildKey(machine))))
      .map(({ specification }) => specification);
    const names = new Set(machines.map(({ reference }) => reference));
    const effect =
      names.size === 0
        ? "no machine of these tests changed with it"
        : `${[...names].toSorted().join(", ")} changed with it`;
    vitest.logger.log(`${files.join(", ")}: ${effect}`);
    if (again.length > 0) await vitest.rerunTestSpecifications(again);
  };
  watcher.on("all", onFile);
  vitest.onClose(() => {
    clearTimeout(timer);
    watcher.off("all", onFile);
  });
}

/** Builds anew every machine that tests have used, and gives those that came out otherwise. */
async function changedMachines(
  vitest: Vitest,
  settings: DrybootSettings,
  store: MachineStore,
): Promise<readonly WantedMachine[]> {
  const used = [...store.specifications.values()].flatMap(({ machines }) => machines);
  const changed: WantedMachine[] = [];
  await buildAll(vitest, distinctMachines(used), settings, (wanted, outcome) => {
    const key = buildKey(wanted);
    if (identity(store.outcomes.get(key)) !== identity(outcome)) changed.push(wanted);
    store.outcomes.set(key, outcome);
  });
  return changed;
}

/** What has to differ for a machine to count as changed: its derivation, or why there is none. */
function identity(outcome: BuildOutcome | undefined): string {
  return outcome?.error === undefined ? (outcome?.derivation ?? "") : JSON.stringify(outcome.error);
}
