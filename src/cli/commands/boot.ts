import { attach, Console, spawnPty } from "../../console/index.ts";
import { UsageError } from "../../errors.ts";
import { findMachine } from "../../nix/index.ts";
import {
  chooseAccelerator,
  createRunDirectory,
  qemuOf,
  requireQemu,
  runScriptCall,
} from "../../qemu/index.ts";
import type { Context } from "../context.ts";
import { build, createStopwatch, evaluate } from "../pipeline.ts";

/** Boots a machine and gives the terminal to its console, from the first line on. */
export async function boot(reference: string | undefined, context: Context): Promise<number> {
  const { io, settings, progress } = context;
  if (io.stdin.isTTY !== true || io.stdout.isTTY !== true) {
    throw new UsageError("boot needs a terminal: stdin or stdout is none", {
      hint: "dryboot run MACHINE -- COMMAND… runs one command without a terminal",
    });
  }
  const source = await findMachine(reference, settings.nix);
  const watch = createStopwatch(source.name, context);
  const evaluated = await evaluate(source, watch, context);
  const built = await build(evaluated, watch, context);
  const qemu = await qemuOf(built.runScript);
  await requireQemu(qemu);
  const accelerator = await chooseAccelerator({
    request: settings.accelerator,
    qemu,
    signal: io.signal,
  });
  if (accelerator.warning !== undefined) progress.note(accelerator.warning);
  progress.done(source.name);
  progress.note("Ctrl-] three times leaves and ends the guest");
  await using directory = await createRunDirectory({ name: source.name });
  if (settings.keep) await directory.keep();
  const { memoryMiB, cores } = settings.of(source.name);
  const transport = spawnPty({
    file: built.runScript,
    ...runScriptCall({
      runDirectory: directory,
      accelerator,
      ...(memoryMiB === undefined ? {} : { memoryMiB }),
      ...(cores === undefined ? {} : { cores }),
    }),
    marker: directory.marker,
  });
  directory.guard.watch(transport.pid);
  const guest = new Console(transport, { recordIn: directory.path });
  const end = (): void => void guest.terminate();
  io.signal.addEventListener("abort", end, { once: true });
  try {
    // Progress must not write between the guest's lines.
    progress[Symbol.dispose]();
    await attach(guest, { input: io.stdin, output: io.stdout });
    io.signal.throwIfAborted();
  } finally {
    io.signal.removeEventListener("abort", end);
    await guest.terminate();
  }
  if (settings.keep) io.stderr.write(`kept: ${directory.path}\n`);
  return 0;
}
