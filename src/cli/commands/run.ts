import { once } from "node:events";
import { constants } from "node:os";
import { exitCodes, UsageError } from "../../errors.ts";
import {
  CommandFailedError,
  type CommandOptions,
  type CommandResult,
  type Machine,
} from "../../machine/index.ts";
import { findMachine } from "../../nix/index.ts";
import type { Context } from "../context.ts";
import { takeRoom } from "../guest-room.ts";
import type { Io, OutputStream } from "../io.ts";
import { keepIfLost } from "../keep-lost.ts";
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
  await using _room = await takeRoom(built, context);
  const how = settings.of(source.name).cold ? "cold" : "warm";
  await using machine = await start(built, watch, context, how);
  progress.update(source.name, { phase: "run", detail: command.join(" ") });
  // From here on the terminal is the command's.
  progress.done(source.name);
  const { timeoutMs } = settings.of(source.name);
  // Over the console input is read to its end first, which nobody types.
  const isTyped = io.stdin.isTTY === true && !streams(machine);
  const options = {
    ...(isTyped ? {} : { stdin: io.stdin }),
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
  };
  const ran = settings.json
    ? runCollected(machine, command, options, io)
    : runThrough(machine, command, options, context);
  const result = await keepIfLost(machine, context, ran);
  if (settings.keep) progress.note(`kept: ${machine.runDirectory}`);
  if (result === undefined) return signalExitCode("SIGPIPE");
  if (result.timedOut) {
    throw new CommandFailedError(source.name, { ...result, stdout: "", stderr: "" });
  }
  return result.exitCode ?? signalExitCode(result.signal);
}

type Result = CommandResult<Uint8Array>;

const collectedBytes = 64 * 1024 * 1024;

/** One object, when the command has ended. */
async function runCollected(
  machine: Machine,
  command: readonly string[],
  options: CommandOptions,
  io: Io,
): Promise<Result> {
  const result = await machine.execute(command, {
    ...options,
    encoding: "buffer",
    maxOutputBytes: collectedBytes,
  });
  const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();
  const { stdout, stderr, ...rest } = result;
  io.stdout.write(`${JSON.stringify({ ...rest, stdout: text(stdout), stderr: text(stderr) })}\n`);
  return result;
}

/** Everything as it comes, and as fast as it is read; nothing when nobody reads it any more. */
async function runThrough(
  machine: Machine,
  command: readonly string[],
  options: CommandOptions,
  { io, progress }: Context,
): Promise<Result | undefined> {
  try {
    const result = await machine.execute(command, {
      ...options,
      encoding: "buffer",
      maxOutputBytes: streams(machine) ? 0 : collectedBytes,
      onOutput: (stream, bytes) => writeAll(io[stream], bytes),
    });
    if (result.truncated && !streams(machine)) {
      progress.note("the output was too long: the rest of it is left out");
    }
    return result;
  } catch (error) {
    if (error instanceof ReaderGone) return undefined;
    throw error;
  }
}

/** Over the console output comes at the end, and as much of it as was kept until then. */
function streams(machine: Machine): boolean {
  return machine.commandWay.kind === "lane";
}

/** Nobody reads what dryboot writes: `dryboot run web -- yes | head -1`. */
class ReaderGone extends Error {}

async function writeAll(stream: OutputStream, bytes: Uint8Array): Promise<void> {
  if (!stream.writable) throw new ReaderGone();
  if (stream.write(bytes)) return;
  const ended = new AbortController();
  const { signal } = ended;
  try {
    await Promise.race([once(stream, "drain", { signal }), once(stream, "close", { signal })]);
  } catch {
    throw new ReaderGone();
  } finally {
    ended.abort();
  }
  if (!stream.writable) throw new ReaderGone();
}

/** As shells say it. */
function signalExitCode(signal: string | undefined): number {
  const name = Object.keys(constants.signals).find((candidate) => candidate === signal);
  return name === undefined ? exitCodes.failed : 128 + constants.signals[name as NodeJS.Signals];
}
