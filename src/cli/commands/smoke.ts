import { writeFile } from "node:fs/promises";
import { resolve } from "node:path";
import { UsageError } from "../../errors.ts";
import { evaluationsAtOnce } from "../../host/index.ts";
import { findMachine, listMachines, type MachineSource } from "../../nix/index.ts";
import { renderFailure, renderJunit, renderMachine, renderSummary } from "../../report/index.ts";
import type { Context } from "../context.ts";
import { columnsOf, writeLines } from "../io.ts";
import { keepResult } from "../last-results.ts";
import { smokeMachine, type Smoked } from "../smoke-machine.ts";

export interface SmokeOptions {
  /** A file for the results in JUnit's format. */
  readonly junit?: string;
}

/** Builds, boots and checks machines; prints a table and a verdict for each. */
export async function smoke(
  references: readonly string[],
  { junit }: SmokeOptions,
  context: Context,
): Promise<number> {
  const sources = await chooseMachines(references, context);
  const smoked: Smoked[] = [];
  const waiting = [...sources];
  const work = async (): Promise<void> => {
    for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
      const done = await smokeMachine(source, context);
      await keepResult(source, done.result, context.io);
      print(done, context);
      smoked.push(done);
      if (context.io.signal.aborted) return;
    }
  };
  // Each guest waits for its room; what comes before is Nix's work.
  const atOnce = Math.min(evaluationsAtOnce(), sources.length);
  await Promise.all(Array.from({ length: atOnce }, work));
  if (sources.length > 1 && !context.settings.json) printSummary(smoked, context);
  if (junit !== undefined) await writeJunit(junit, smoked, context);
  return Math.max(...smoked.map(({ exitCode }) => exitCode));
}

async function writeJunit(file: string, smoked: readonly Smoked[], { io }: Context): Promise<void> {
  try {
    await writeFile(resolve(io.cwd, file), renderJunit(smoked.map(({ result }) => result)));
  } catch (error) {
    const why = error instanceof Error ? error.message : String(error);
    throw new UsageError(`the results cannot be written: ${why}`, { cause: error });
  }
}

/** All machines when none is named; a configuration that was named in NixOS's own ways goes before them. */
async function chooseMachines(
  references: readonly string[],
  { settings: { nix } }: Context,
): Promise<readonly MachineSource[]> {
  if (references.length > 0) {
    const found: MachineSource[] = [];
    for (const reference of references) found.push(await findMachine(reference, nix));
    return found;
  }
  const isNamed =
    nix.expression !== undefined || nix.nixPath?.some((entry) => entry.startsWith("nixos-config="));
  const machines = isNamed === true ? [] : await listMachines(nix);
  return machines.length > 0 ? machines : [await findMachine(undefined, nix)];
}

function print(
  { result }: Smoked,
  { io, settings, palettes, progress, repeatCommand }: Context,
): void {
  progress.done(result.machine);
  if (settings.json) {
    io.stdout.write(`${JSON.stringify(result)}\n`);
    return;
  }
  const { verbose } = settings;
  writeLines(
    io.stdout,
    renderMachine(result, { palette: palettes.stdout, columns: columnsOf(io.stdout), verbose }),
  );
  writeLines(io.stderr, renderFailure(result, { palette: palettes.stderr, repeatCommand }));
}

function printSummary(smoked: readonly Smoked[], { io, palettes }: Context): void {
  const results = smoked.map(({ result }) => result);
  writeLines(io.stdout, ["", ...renderSummary(results, palettes.stdout)]);
}
