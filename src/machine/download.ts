import { once } from "node:events";
import { createWriteStream } from "node:fs";
import { chmod, mkdir, rm, stat } from "node:fs/promises";
import { basename, dirname, join } from "node:path";
import type { Writable } from "node:stream";
import { extract } from "tar";
import { HostError, UsageError } from "../errors.ts";
import { CommandFailedError } from "./command.ts";
import { ExpectationError } from "./observe.ts";
import type { CommandRunner } from "./runner.ts";
import { progressOf, type Transfer, type TransferOptions } from "./transfer.ts";

const describe = `
if [ -d "$1" ]; then echo tree; du -sb -- "$1"
else measures=$(stat -L -c '%s %a' -- "$1"); echo file; echo "$measures"; fi`;
const sendTree = 'exec tar --create --directory="$1" --file=- .';

/** Over the console the result is all there is of the output. */
const mostAtOnceBytes = 64 * 1024 * 1024;

/** @throws CommandFailedError where there is no such source */
export async function download(
  runner: CommandRunner,
  { source, target }: Transfer,
  options: TransferOptions = {},
): Promise<void> {
  const purpose = `download ${source}`;
  const found = await runner.execute(["bash", "-euc", describe, "bash", source], {
    purpose,
    ...(options.timeoutMs === undefined ? {} : { timeoutMs: options.timeoutMs }),
  });
  if (found.failed) throw new CommandFailedError(runner.name, found);
  const [kind, measures = ""] = found.stdout.split("\n");
  const [size = "0", mode = "644"] = measures.split(/\s/);
  const count = progressOf(Number(size), options);
  if (kind === "tree") {
    await makeDirectory(target);
    const unpack = extract({
      cwd: target,
      strict: true,
      preserveOwner: false,
      onReadEntry: (entry) => {
        // Nothing of a guest becomes a program that runs as somebody else here.
        entry.mode = (entry.mode ?? 0o644) & 0o777;
        count(entry.path, entry.type === "File" ? entry.size : 0);
      },
    });
    const argv = ["bash", "-euc", sendTree, "bash", source];
    await receive(runner, { argv, source, into: unpack as unknown as Writable }, options);
    return;
  }
  const inside = await stat(target).then(
    (status) => status.isDirectory(),
    () => false,
  );
  const file = inside ? join(target, basename(source)) : target;
  await makeDirectory(dirname(file));
  try {
    const into = createWriteStream(file);
    const onBytes = (bytes: number): void => count(source, bytes);
    await receive(runner, { argv: ["cat", "--", source], source, into, onBytes }, options);
    await chmod(file, Number.parseInt(mode, 8) & 0o777);
  } catch (error) {
    await rm(file, { force: true });
    throw error;
  }
}

async function makeDirectory(path: string): Promise<void> {
  await mkdir(path, { recursive: true }).catch((error: NodeJS.ErrnoException) => {
    const reason = error.code === "EEXIST" ? "there is something else of that name" : error.message;
    throw new UsageError(`cannot make the directory ${path}: ${reason}`, { cause: error });
  });
}

interface Reception {
  readonly argv: readonly string[];
  readonly source: string;
  readonly into: Writable;
  readonly onBytes?: (bytes: number) => void;
}

/** Runs a command whose stdout is written to a stream, no faster than that takes it. */
async function receive(
  runner: CommandRunner,
  { argv, source, into, onBytes }: Reception,
  { timeoutMs }: TransferOptions,
): Promise<void> {
  let received = 0;
  let failure: NodeJS.ErrnoException | undefined;
  const ended = new Promise<void>((resolve, reject) => {
    // An archive may be wrong in more than one place.
    into.on("error", (error) => {
      failure ??= error;
      reject(failure);
    });
    into.once("finish", resolve).once("close", resolve);
  });
  ended.catch(() => {});
  const transfer = runner.execute(argv, {
    maxOutputBytes: mostAtOnceBytes,
    purpose: `download ${source}`,
    ...(timeoutMs === undefined ? {} : { timeoutMs }),
    onOutput: async (stream, bytes) => {
      if (stream !== "stdout") return;
      if (failure !== undefined) throw failure;
      received += bytes.length;
      onBytes?.(bytes.length);
      if (!into.write(Buffer.from(bytes))) await Promise.race([once(into, "drain"), ended]);
    },
  });
  // Also where the guest was lost: an open file would stay open.
  const result = await transfer
    .finally(() => into.end())
    .then(async (transferred) => {
      await ended;
      return transferred;
    })
    // Made here and not in the stream, where no stack leads to the caller.
    .catch((error: unknown) => {
      throw failure === undefined ? error : writeError(runner, source, failure);
    });
  if (result.failed) throw new CommandFailedError(runner.name, result);
  if (result.truncated && received <= mostAtOnceBytes) {
    throw new ExpectationError(
      `${runner.name}: ${source} is larger than the ${mostAtOnceBytes / 1024 ** 2} MiB that the console carries`,
      "COMMAND_FAILED",
      [],
    );
  }
}

/** A host that cannot write is no fault of the guest's. */
function writeError(runner: CommandRunner, source: string, error: NodeJS.ErrnoException): Error {
  const message = `${runner.name}: cannot copy ${source}: ${error.message}`;
  if (error.syscall === undefined) return new ExpectationError(message, "COMMAND_FAILED", []);
  if (error.code === "ENOSPC" || error.code === "EDQUOT") {
    return new HostError(message, { code: "HOST_RESOURCES", cause: error });
  }
  return new UsageError(message, { cause: error });
}
