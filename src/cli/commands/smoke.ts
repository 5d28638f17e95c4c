import { guestLimit } from "../../host/index.ts";
import { findMachine, listMachines, type MachineSource } from "../../nix/index.ts";
import { chooseAccelerator } from "../../qemu/index.ts";
import { renderFailure, renderMachine, renderSummary } from "../../report/index.ts";
import type { Context } from "../context.ts";
import { columnsOf, writeLines } from "../io.ts";
import { smokeMachine, type Smoked } from "../smoke-machine.ts";

/** Builds, boots and checks machines; prints a table and a verdict for each. */
export async function smoke(references: readonly string[], context: Context): Promise<number> {
  const sources = await chooseMachines(references, context);
  const smoked: Smoked[] = [];
  const waiting = [...sources];
  const work = async (): Promise<void> => {
    for (let source = waiting.shift(); source !== undefined; source = waiting.shift()) {
      const done = await smokeMachine(source, context);
      print(done, context);
      smoked.push(done);
      if (context.io.signal.aborted) return;
    }
  };
  const atOnce = sources.length > 1 ? await machinesAtOnce(context) : 1;
  await Promise.all(Array.from({ length: Math.min(atOnce, sources.length) }, work));
  if (sources.length > 1 && !context.settings.json) printSummary(smoked, context);
  return Math.max(...smoked.map(({ exitCode }) => exitCode));
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

async function machinesAtOnce({ settings, io }: Context): Promise<number> {
  const { memoryMiB = 1024, cores = 1 } = settings.of("");
  const emulated = await chooseAccelerator({
    request: settings.accelerator,
    signal: io.signal,
  }).then(
    ({ name }) => name === "tcg",
    // The vm may bring a QEMU of its own; this was a guess only.
    () => true,
  );
  return guestLimit({ memoryMiB, cores, emulated });
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
