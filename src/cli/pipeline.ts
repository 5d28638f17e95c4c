import { boot, bootable, type BootOptions } from "../launch/index.ts";
import type { Machine, Phase } from "../machine/index.ts";
import {
  buildSystem,
  buildVm,
  evaluateMachine,
  type BuiltVm,
  type EvaluatedMachine,
  type MachineSource,
  type NixOptions,
} from "../nix/index.ts";
import type { Context } from "./context.ts";

/** How long each part of the work on one machine took. */
export interface Stopwatch {
  readonly phases: readonly Phase[];
  /** Shows the phase while the work goes on, and keeps its time, also when it fails. */
  measure<T>(name: string, work: () => Promise<T>): Promise<T>;
  /** The work that is going on is to be kept as these parts instead. */
  split(parts: readonly Phase[]): void;
}

export function createStopwatch(subject: string, { progress }: Context): Stopwatch {
  const phases: Phase[] = [];
  let parts: readonly Phase[] | undefined;
  return {
    phases,
    async measure(name, work) {
      const sinceMs = performance.now();
      progress.update(subject, { phase: name });
      parts = undefined;
      try {
        return await work();
      } finally {
        const whole = [{ name, durationMs: performance.now() - sinceMs }];
        const kept = (parts ?? whole).map(({ name: part, durationMs }) => ({
          name: part,
          durationMs: Math.round(durationMs),
        }));
        phases.push(...kept);
      }
    },
    split(of) {
      parts = of;
    },
  };
}

/** Options of one machine for Nix, with progress shown. */
export function nixOptionsFor(source: MachineSource, { settings, progress }: Context): NixOptions {
  return {
    ...settings.of(source.name).nix,
    onProgress: ({ phase, detail, built, total }) => {
      const figures = built === undefined || total === undefined ? "" : `${built}/${total} `;
      progress.update(source.name, { phase, detail: `${figures}${detail ?? ""}` });
    },
  };
}

const described = new WeakMap<Context, Set<string>>();

export async function evaluate(
  source: MachineSource,
  watch: Stopwatch,
  context: Context,
): Promise<EvaluatedMachine> {
  const evaluated = await watch.measure("evaluate", () =>
    evaluateMachine(source, nixOptionsFor(source, context)),
  );
  const told = described.get(context) ?? new Set();
  described.set(context, told);
  const { description } = evaluated.nixpkgs;
  if (!told.has(description)) context.progress.note(`nixpkgs: ${description}`);
  told.add(description);
  return evaluated;
}

export function build(
  evaluated: EvaluatedMachine,
  watch: Stopwatch,
  context: Context,
): Promise<BuiltVm> {
  return watch.measure("build", () => buildVm(evaluated, nixOptionsFor(evaluated.source, context)));
}

/** Builds the closure that is deployed; gives its store path. */
export function buildDeployed(
  evaluated: EvaluatedMachine,
  watch: Stopwatch,
  context: Context,
): Promise<string> {
  return watch.measure("build", () =>
    buildSystem(evaluated, nixOptionsFor(evaluated.source, context)),
  );
}

/** Starts a built vm's guest to its first command; the parts of the start are phases of their own. */
export async function start(
  built: BuiltVm,
  watch: Stopwatch,
  { settings, progress, io, repeatCommand }: Context,
  how: BootOptions["start"] = "cold",
): Promise<Machine> {
  const { name } = built.source;
  const { memoryMiB, cores, timeoutMs } = settings.of(name);
  let isBooting = true;
  let checkpointSinceMs: number | undefined;
  return watch.measure("boot", async () => {
    const machine = await boot(bootable(built), {
      start: how,
      accelerator: settings.accelerator,
      lane: settings.lane,
      signal: io.signal,
      repeatCommand,
      keep: settings.keep ? "always" : "on-failure",
      onProgress: ({ phase, detail }) => {
        if (!isBooting) return; // what the console still says belongs to no phase
        if (phase === "checkpoint") checkpointSinceMs = performance.now();
        if (phase === "accelerator" && detail !== undefined) progress.note(detail);
        progress.update(name, {
          phase: `boot, ${phase}`,
          ...(detail === undefined ? {} : { detail }),
        });
      },
      onNotice: (notice) => progress.note(notice),
      ...(memoryMiB === undefined ? {} : { memoryMiB }),
      ...(cores === undefined ? {} : { cores }),
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    isBooting = false;
    const { kind, reason } = machine.commandWay;
    progress.note(
      `${name}: commands: ${kind}${reason === undefined ? "" : ` (no lane: ${reason})`}`,
    );
    const checkpoint =
      checkpointSinceMs === undefined
        ? []
        : [{ name: "checkpoint", durationMs: performance.now() - checkpointSinceMs }];
    watch.split([...machine.phases, ...checkpoint]);
    return machine;
  });
}
