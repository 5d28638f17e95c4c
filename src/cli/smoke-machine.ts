import { allHeld, planChecks, runChecks, waiversOf, type Waiver } from "../checks/index.ts";
import { Deadline } from "../deadline.ts";
import { exitCodes } from "../errors.ts";
import type { Machine } from "../machine/index.ts";
import {
  closureBytes,
  type BuiltVm,
  type EvaluatedMachine,
  type MachineSource,
} from "../nix/index.ts";
import { exitCodeOf, outcomeOfError, toErrorData, type MachineResult } from "../report/index.ts";
import type { Context } from "./context.ts";
import { waitForRoom } from "./guest-room.ts";
import { keepIfLost } from "./keep-lost.ts";
import { lastResult } from "./last-results.ts";
import {
  build,
  buildDeployed,
  createStopwatch,
  evaluate,
  nixOptionsFor,
  start,
  type Stopwatch,
} from "./pipeline.ts";

export interface Smoked {
  readonly result: MachineResult;
  readonly exitCode: number;
}

/** What became known of a machine on the way, whether or not it came to the end. */
type Found = Omit<MachineResult, "machine" | "phases" | "outcome" | "error">;

/** Builds, boots and checks one machine; a failure is a result. */
export async function smokeMachine(source: MachineSource, context: Context): Promise<Smoked> {
  const watch = createStopwatch(source.name, context);
  const base = { machine: source.name, phases: watch.phases } as const;
  let found: Found = { start: "cold", checks: [] };
  const learn = (more: Partial<Found>): void => {
    found = { ...found, ...more };
  };
  try {
    const evaluated = await evaluate(source, watch, context);
    learn(evaluationFacts(evaluated));
    // What is wrong with the configuration file should not have to wait for a boot.
    const waivers = waiversFor(evaluated, context);
    const built = await build(evaluated, watch, context);
    learn({ vm: built.vm });
    const closure = await measureClosure(built, watch, context);
    await using _slot = await waitForRoom(built, context);
    await using machine = await start(built, watch, context, await howToStart(built, context));
    learn({ accelerator: machine.accelerator.name, start: startOf(machine) });
    if (context.settings.keep) learn({ runDirectory: machine.runDirectory });
    learn(await checkGuest(machine, { built, waivers, closure }, watch, context));
    const held = allHeld(found.checks);
    return {
      result: { ...base, ...found, outcome: held ? "passed" : "failed" },
      exitCode: held ? exitCodes.held : exitCodes.failed,
    };
  } catch (error) {
    return {
      result: { ...base, ...found, outcome: outcomeOfError(error), error: toErrorData(error) },
      exitCode: exitCodeOf(error),
    };
  }
}

function evaluationFacts({ system, nixpkgs, hostName }: EvaluatedMachine): Partial<Found> {
  const { path, origin, version } = nixpkgs;
  return {
    system,
    hostName,
    nixpkgs: { path, origin, ...(version === undefined ? {} : { version }) },
  };
}

function waiversFor({ source, manifest }: EvaluatedMachine, { settings }: Context): Waiver[] {
  const { waivers, ...checks } = settings.of(source.name).checks;
  return waiversOf(source.name, waivers, planChecks({ manifest, ...checks }));
}

/** A vm that held need not boot to be looked at again; after anything else its boot itself is in doubt. */
async function howToStart(
  { source, vm }: BuiltVm,
  { settings, io }: Context,
): Promise<"cold" | "warm" | "renew"> {
  if (settings.of(source.name).cold) return "cold";
  const last = await lastResult(source, io);
  return last?.outcome === "passed" && last.vm === vm ? "warm" : "renew";
}

function startOf({ phases }: Machine): "cold" | "warm" {
  return phases.some(({ name }) => name === "restore") ? "warm" : "cold";
}

/** The size of what is deployed, which is built for it, where a budget asks for it. */
async function measureClosure(
  built: BuiltVm,
  watch: Stopwatch,
  context: Context,
): Promise<number | undefined> {
  const { off, budgets } = context.settings.of(built.source.name).checks;
  if (budgets.closureBytes === undefined || off.includes("closure-size")) return undefined;
  const system = await buildDeployed(built, watch, context);
  return closureBytes(system, nixOptionsFor(built.source, context));
}

/** So long may services take after the first shell, on a guest under KVM. */
const settlePatienceMs = 120_000;

interface ToCheck {
  readonly built: BuiltVm;
  readonly waivers: readonly Waiver[];
  readonly closure: number | undefined;
}

async function checkGuest(
  machine: Machine,
  { built, waivers, closure }: ToCheck,
  watch: Stopwatch,
  context: Context,
): Promise<Partial<Found>> {
  const { name } = built.source;
  const { settings, progress, io } = context;
  const { timeoutMs, checks } = settings.of(name);
  const patienceMs = timeoutMs ?? settlePatienceMs * machine.timeoutScale;
  try {
    const checked = watch.measure("checks", () =>
      runChecks(machine, {
        manifest: built.manifest,
        vmSystem: built.vmSystem,
        off: checks.off,
        budgets: checks.budgets,
        waivers,
        deadline: Deadline.after(patienceMs),
        signal: io.signal,
        onProgress: (detail) => progress.update(name, { phase: "checks", detail }),
        ...(closure === undefined ? {} : { closureBytes: closure }),
      }),
    );
    const results = await keepIfLost(machine, context, checked);
    return allHeld(results)
      ? { checks: results }
      : { checks: results, ...(await keepEvidence(machine)) };
  } catch (error) {
    await machine.keepRunDirectory();
    throw error;
  }
}

async function keepEvidence(machine: Machine): Promise<Partial<Found>> {
  await machine.keepRunDirectory();
  const { consoleTail, alarms } = await machine.collectEvidence();
  return { runDirectory: machine.runDirectory, consoleTail, alarms };
}
