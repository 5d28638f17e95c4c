import { relative } from "node:path";
import type { Reporter, TestModule, TestProject, TestSpecification, Vitest } from "vitest/node";
import { UsageError } from "../errors.ts";
import { acceleratorOf } from "../launch/index.ts";
import { configuredSettings } from "./configured.ts";
import { buildKey, distinctMachines } from "./builds.ts";
import { createMachineStore, type MachineStore } from "./machine-store.ts";
import { prepareMachines } from "./prepare.ts";
import {
  commandLinePlugin,
  limitedByDryboot,
  longestTestMs,
  type DrybootSettings,
} from "./settings.ts";
import { besideThis } from "./own-files.ts";
import { watchMachines } from "./watch.ts";

/** Puts dryboot into a run of vitest: limits of time, the machines before the first test, Nix files under watch. */
export async function takePart(
  vitest: Vitest,
  project: TestProject,
  given: DrybootSettings,
): Promise<void> {
  refuseVmPools(project);
  const commandLine = vitest.vite.config.plugins.find(({ name }) => name === commandLinePlugin);
  const settings: DrybootSettings = {
    ...(await configuredSettings(project.config.root)),
    ...given,
    ...commandLine?.api,
  };
  project.provide("dryboot", settings);
  project.provide("drybootCommand", commandOf(vitest, project));
  // Where the measurement fails, the first boot says why.
  const accelerator = await acceleratorOf(settings.accelerator).catch(() => undefined);
  limitTests(project, settings, accelerator?.timeoutScale ?? slowestScale);
  const store = createMachineStore(accelerator?.warning);
  vitest.config.reporters.push(beforeTests(vitest, project, settings, store));
  if (vitest.config.watch) watchMachines(vitest, project, settings, store);
}

/** There, what Node throws is no `Error`, and what it reads is no `Uint8Array`. */
function refuseVmPools({ config: { pool } }: TestProject): void {
  if (!pool.startsWith("vm")) return;
  throw new UsageError(
    `tests of machines cannot run in vitest's pool ${pool}: set test.pool to "forks" or "threads"`,
  );
}

/** Without what vitest finds by itself. */
function commandOf(vitest: Vitest, project: TestProject): readonly string[] {
  const { configFile } = vitest.vite.config;
  const config = configFile === undefined ? "" : relative(process.cwd(), configFile);
  const isFound = config === "" || /^vite(st)?\.config\.\w+$/.test(config);
  return [
    "npx",
    "vitest",
    "run",
    ...(isFound ? [] : ["--config", config]),
    ...(project.name === "" ? [] : ["--project", project.name]),
  ];
}

/** Of TCG; {@link longestTestMs} is for that. */
const slowestScale = 4;

/** The limit of a whole test is the last resort; it is shorter where guests are fast, unless the user has set it. */
export function limitTests(
  project: TestProject,
  { testLimitMs }: DrybootSettings,
  timeoutScale: number,
): void {
  const { config } = project;
  const limitMs = (longestTestMs * timeoutScale) / slowestScale;
  if (config.testTimeout === longestTestMs) {
    config.testTimeout = limitedByDryboot;
    // A test that ran out of time shows where it begins.
    config.includeTaskLocation = true;
    project.provide("drybootTestLimitMs", testLimitMs ?? limitMs);
    config.setupFiles.push(besideThis("limit-tests"));
  }
  if (config.hookTimeout === longestTestMs) config.hookTimeout = limitMs;
}

/** vitest waits for its reporters before it gives the first file to a worker. */
function beforeTests(
  vitest: Vitest,
  project: TestProject,
  settings: DrybootSettings,
  store: MachineStore,
): Reporter {
  return {
    async onTestRunStart(specifications) {
      const selected = await inThisShard(vitest, specifications);
      const own = selected.filter((specification) => specification.project === project);
      await prepareMachines(vitest, own, settings, store);
      project.provide("drybootBuilds", Object.fromEntries(store.outcomes));
    },
    onTestModuleEnd(module) {
      if (module.project === project) rememberAsked(module, store);
    },
  };
}

/** What a file's text does not tell: names that are computed, and overrides. */
function rememberAsked(module: TestModule, { outcomes, specifications }: MachineStore): void {
  const using = specifications.get(module.moduleId);
  if (using === undefined) return;
  const asked = Object.values(module.meta().drybootAsked ?? {});
  for (const { wanted, outcome } of asked) {
    const key = buildKey(wanted);
    // What is known may be newer than what the test was given.
    if (!outcomes.has(key)) outcomes.set(key, outcome);
  }
  const machines = distinctMachines([...using.machines, ...asked.map(({ wanted }) => wanted)]);
  specifications.set(module.moduleId, { ...using, machines });
}

/** vitest leaves the other shards' files out only later. */
async function inThisShard(
  vitest: Vitest,
  specifications: readonly TestSpecification[],
): Promise<readonly TestSpecification[]> {
  const { shard, sequence } = vitest.config;
  if (shard === undefined || specifications.length < shard.count) return specifications;
  return new sequence.sequencer(vitest).shard([...specifications]);
}
