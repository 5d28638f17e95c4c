import { buffer } from "node:stream/consumers";
import { constants } from "node:os";
import { exitCodes, UsageError } from "../../errors.ts";
import { CommandFailedError } from "../../machine/index.ts";
import { findMachine } from "../../nix/index.ts";
import type { Context } from "../context.ts";
import { build, createStopwatch, evaluate, start } from "../pipeline.ts";

/** Boots a machine and runs one command in it; stdin, stdout, stderr and the exit code pass through. */
export async function run(
  reference: string | undefined,
  command: readonly string[],
  context: Context,
): Promise<number> {
  if (command.length === 0) {
    throw new UsageError("which command?", { hint: "dryboot run MACHINE -- COMMAND…" });
  }
  const { io, settings, progress } = context;
  const source = await findMachine(reference, settings.nix);
  const watch = createStopwatch(source.name, context);
  const evaluated = await evaluate(source, watch, context);
  const built = await build(evaluated, watch, context);
  await using machine = await start(built, watch, context);
  progress.update(source.name, { phase: "run", detail: command.join(" ") });
  const stdin = io.stdin.isTTY === true ? undefined : await buffer(io.stdin);
  const { timeoutMs } = settings.of(source.name);
  const result = await machine.execute(command, {
    ...(stdin === undefined ? {} : { stdin }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    encoding: "buffer",
    maxOutputBytes: 64 * 1024 * 1024,
  });
  progress.done(source.name);
  if (settings.keep) progress.note(`kept: ${machine.runDirectory}`);
  if (settings.json) {
    const { stdout, stderr, ...rest } = result;
    io.stdout.write(
      `${JSON.stringify({ ...rest, stdout: Buffer.from(stdout).toString(), stderr: Buffer.from(stderr).toString() })}\n`,
    );
  } else {
    io.stdout.write(result.stdout);
    io.stderr.write(result.stderr);
    if (result.truncated) progress.note("the output was too long: the rest of it is left out");
  }
  if (result.timedOut) {
    throw new CommandFailedError(source.name, {
      ...result,
      stdout: "",
      stderr: "",
    });
  }
  return result.exitCode ?? signalExitCode(result.signal);
}

/** As shells say it. */
function signalExitCode(signal: string | undefined): number {
  const name = Object.keys(constants.signals).find((candidate) => candidate === signal);
  return name === undefined ? exitCodes.failed : 128 + constants.signals[name as NodeJS.Signals];
}
