import { allHeld, runChecks, type CheckResult } from "../checks/index.ts";
import { Deadline } from "../deadline.ts";
import { exitCodes } from "../errors.ts";
import type { Machine } from "../machine/index.ts";
import type { BuiltVm, EvaluatedMachine, MachineSource } from "../nix/index.ts";
import { exitCodeOf, outcomeOf, toErrorData, type MachineResult } from "../report/index.ts";
import type { Context } from "./context.ts";
import { build, createStopwatch, evaluate, start, type Stopwatch } from "./pipeline.ts";

export interface Smoked {
  readonly result: MachineResult;
  readonly exitCode: number;
}

/** What became known of a machine on the way, whether or not it came to the end. */
type Found = Omit<MachineResult, "machine" | "start" | "phases" | "outcome" | "error">;

/** Builds, boots and checks one machine; a failure is a result. */
export async function smokeMachine(source: MachineSource, context: Context): Promise<Smoked> {
  const watch = createStopwatch(source.name, context);
  const base = { machine: source.name, start: "cold", phases: watch.phases } as const;
  let found: Found = { checks: [] };
  const learn = (more: Partial<Found>): void => {
    found = { ...found, ...more };
  };
  try {
    const evaluated = await evaluate(source, watch, context);
    learn(evaluationFacts(evaluated));
    const built = await build(evaluated, watch, context);
    learn({ vm: built.vm });
    await using machine = await start(built, watch, context);
    learn({ accelerator: machine.accelerator.name });
    if (context.settings.keep) learn({ runDirectory: machine.runDirectory });
    learn(await checkGuest(machine, built, watch, context));
    const held = allHeld(found.checks);
    return {
      result: { ...base, ...found, outcome: held ? "passed" : "failed" },
      exitCode: held ? exitCodes.held : exitCodes.failed,
    };
  } catch (error) {
    return {
      result: { ...base, ...found, outcome: outcomeOf(error), error: toErrorData(error) },
      exitCode: exitCodeOf(error),
    };
  }
}

function evaluationFacts({ system, nixpkgs }: EvaluatedMachine): Partial<Found> {
  const { path, origin, version } = nixpkgs;
  return { system, nixpkgs: { path, origin, ...(version === undefined ? {} : { version }) } };
}

/** So long may services take after the first shell, on a guest under KVM. */
const settlePatienceMs = 120_000;

async function checkGuest(
  machine: Machine,
  built: BuiltVm,
  watch: Stopwatch,
  { settings, progress, io }: Context,
): Promise<Partial<Found>> {
  const { name } = built.source;
  const patienceMs = settings.of(name).timeoutMs ?? settlePatienceMs * machine.timeoutScale;
  try {
    const checks = await watch.measure("checks", () =>
      runChecks(machine, {
        manifest: built.manifest,
        vmSystem: built.vmSystem,
        deadline: Deadline.after(patienceMs),
        signal: io.signal,
        onProgress: (waitingFor) =>
          progress.update(name, { phase: "checks", detail: `waiting for ${waitingFor}` }),
      }),
    );
    const all = [vmCheck(built), ...checks];
    return allHeld(all) ? { checks: all } : { checks: all, ...(await keepEvidence(machine)) };
  } catch (error) {
    machine.keepRunDirectory();
    throw error;
  }
}

async function keepEvidence(machine: Machine): Promise<Partial<Found>> {
  machine.keepRunDirectory();
  const { consoleTail, alarms } = await machine.collectEvidence();
  return { runDirectory: machine.runDirectory, consoleTail, alarms };
}

function vmCheck({ vm }: BuiltVm): CheckResult {
  return {
    name: "vm is built",
    subject: "vm",
    source: "system.build.vm",
    status: "passed",
    detail: `is ${vm}`,
  };
}
