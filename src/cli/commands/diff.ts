import { explainDifference } from "../../checks/index.ts";
import { evaluateDifference, findMachine } from "../../nix/index.ts";
import { renderDifference } from "../../report/index.ts";
import type { Context } from "../context.ts";
import { columnsOf, writeLines } from "../io.ts";
import { createStopwatch, nixOptionsFor } from "../pipeline.ts";

/** Prints in what a machine's vm differs from the system that is deployed; nothing is built or booted. */
export async function diff(reference: string | undefined, context: Context): Promise<number> {
  const { io, settings, progress, palettes } = context;
  const source = await findMachine(reference, settings.nix);
  const difference = await createStopwatch(source.name, context).measure("evaluate", () =>
    evaluateDifference(source, nixOptionsFor(source, context)),
  );
  progress.done(source.name);
  const groups = explainDifference(difference);
  const { overrides, nixpkgs } = difference;
  if (settings.json) {
    const result = { machine: source.name, nixpkgs: nixpkgs.path, groups, overrides };
    io.stdout.write(`${JSON.stringify(result)}\n`);
    return 0;
  }
  writeLines(
    io.stdout,
    renderDifference(groups, overrides, {
      machine: source.name,
      palette: palettes.stdout,
      columns: columnsOf(io.stdout),
      verbose: settings.verbose,
    }),
  );
  return 0;
}
