import { dirname } from "node:path";
import { attach, Console, spawnPty, type Transport } from "../../console/index.ts";
import { UsageError } from "../../errors.ts";
import { findMachine, type BuiltVm } from "../../nix/index.ts";
import {
  chooseAccelerator,
  createRunDirectory,
  hostError,
  qemuOf,
  recordingNotice,
  requireQemu,
  runScriptCall,
  type Accelerator,
  type RunDirectory,
} from "../../qemu/index.ts";
import type { Context } from "../context.ts";
import { takeRoom } from "../guest-room.ts";
import { writeLines } from "../io.ts";
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
  const accelerator = await chooseFor(built.runScript, context);
  progress.done(source.name);
  await using _room = await takeRoom(built, context);
  progress.note("Ctrl-] three times leaves and ends the guest");
  await using directory = await createRunDirectory({ name: source.name });
  if (settings.keep) await directory.keep();
  const transport = startRunScript(built, { accelerator, directory }, context);
  directory.guard.watch(transport.pid);
  const notices: string[] = [];
  const guest = new Console(transport, {
    ...(settings.keep ? { recordIn: directory.path } : {}),
    // The screen is the guest's until it is left.
    onRecordingFailure: (error) => notices.push(recordingNotice(error, directory.path)),
    onRecordingGap: () =>
      notices.push(
        "the console was longer than what is kept of it, 64 MiB: its middle is left out",
      ),
  });
  const end = (): void => void guest.terminate();
  io.signal.addEventListener("abort", end, { once: true });
  try {
    // Progress must not write between the guest's lines.
    progress[Symbol.dispose]();
    const how = await attach(guest, { input: io.stdin, output: io.stdout });
    io.signal.throwIfAborted();
    if (how === "ended") await requireGoodEnd(guest, directory.path);
  } finally {
    io.signal.removeEventListener("abort", end);
    await guest.terminate();
    if (settings.keep) notices.push(`kept: ${directory.path}`);
    writeLines(io.stderr, notices);
  }
  return 0;
}

async function chooseFor(
  runScript: string,
  { settings, io, progress }: Context,
): Promise<Accelerator> {
  const qemu = await qemuOf(runScript);
  await requireQemu(qemu);
  const request = settings.accelerator;
  const accelerator = await chooseAccelerator({ request, qemu, signal: io.signal });
  if (accelerator.warning !== undefined) progress.note(accelerator.warning);
  return accelerator;
}

interface Place {
  readonly accelerator: Accelerator;
  readonly directory: RunDirectory;
}

function startRunScript(
  { source, runScript }: BuiltVm,
  { accelerator, directory }: Place,
  { settings }: Context,
): Transport {
  const { memoryMiB, cores } = settings.of(source.name);
  return spawnPty({
    file: runScript,
    ...runScriptCall({
      runDirectory: directory,
      accelerator,
      ...(memoryMiB === undefined ? {} : { memoryMiB }),
      ...(cores === undefined ? {} : { cores }),
    }),
    marker: directory.marker,
  });
}

/** A guest that was shut down ended well; a QEMU that could not start, or was killed, did not. */
async function requireGoodEnd(guest: Console, directory: string): Promise<void> {
  const { exitCode } = await guest.exited;
  if (exitCode !== 0 && guest.failure !== undefined) {
    throw hostError(guest.failure, dirname(directory));
  }
}
