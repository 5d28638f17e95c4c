import { findMachine } from "../../nix/index.ts";
import type { Context } from "../context.ts";
import { build as buildVm, buildDeployed, createStopwatch, evaluate } from "../pipeline.ts";

/** Prints the store path of a machine's vm, or of the system that is deployed, alone on stdout. */
export async function build(
  reference: string | undefined,
  { system }: { readonly system: boolean },
  context: Context,
): Promise<number> {
  const { io, settings, progress } = context;
  const source = await findMachine(reference, settings.nix);
  const watch = createStopwatch(source.name, context);
  const evaluated = await evaluate(source, watch, context);
  const path = system
    ? await buildDeployed(evaluated, watch, context)
    : (await buildVm(evaluated, watch, context)).vm;
  progress.done(source.name);
  const line = settings.json
    ? JSON.stringify({
        machine: source.name,
        [system ? "system" : "vm"]: path,
        phases: watch.phases,
      })
    : path;
  io.stdout.write(`${line}\n`);
  return 0;
}
