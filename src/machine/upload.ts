import { createReadStream } from "node:fs";
import { lstat, readdir, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { create } from "tar";
import { UsageError } from "../errors.ts";
import { CommandFailedError, type CommandOptions } from "./command.ts";
import type { CommandRunner } from "./runner.ts";
import { progressOf, type Transfer, type TransferOptions } from "./transfer.ts";

const receiveFile = `
target=$1; [ ! -d "$target" ] || target=$target/$2
mkdir -p -- "$(dirname -- "$target")"
cat >"$target"
chmod "$3" -- "$target"`;

const receiveTree =
  'mkdir -p -- "$1"; exec tar --extract --no-same-owner --directory="$1" --file=-';

/** @throws UsageError where there is no such source; CommandFailedError */
export async function upload(
  runner: CommandRunner,
  { source, target }: Transfer,
  options: TransferOptions = {},
): Promise<void> {
  const status = await stat(source).catch((error: unknown) => {
    throw new UsageError(`cannot upload ${source}: there is no such file`, { cause: error });
  });
  const { timeoutMs } = options;
  const run = async (
    script: string,
    args: readonly string[],
    stdin: NonNullable<CommandOptions["stdin"]>,
  ): Promise<void> => {
    const result = await runner.execute(["bash", "-euc", script, "bash", ...args], {
      stdin,
      purpose: `upload ${source} to ${target}`,
      ...(timeoutMs === undefined ? {} : { timeoutMs }),
    });
    if (result.failed) throw new CommandFailedError(runner.name, result);
  };
  if (status.isDirectory()) {
    const count = progressOf(await sizeOfTree(source), options);
    const archive = create(
      { cwd: source, onWriteEntry: (entry) => count(entry.path, fileSize(entry)) },
      ["."],
    );
    await run(receiveTree, [target], archive);
  } else {
    const count = progressOf(status.size, options);
    const mode = (status.mode & 0o777).toString(8);
    await run(receiveFile, [target, basename(source), mode], counted(source, count));
  }
}

async function* counted(
  source: string,
  count: (path: string, moreBytes: number) => void,
): AsyncGenerator<Uint8Array> {
  for await (const chunk of createReadStream(source) as AsyncIterable<Uint8Array>) {
    yield chunk;
    count(source, chunk.length);
  }
}

function fileSize({
  stat: status,
}: {
  readonly stat?: { isFile(): boolean; readonly size: number };
}): number {
  return status?.isFile() ? status.size : 0;
}

async function sizeOfTree(directory: string): Promise<number> {
  let bytes = 0;
  for (const entry of await readdir(directory, { recursive: true, withFileTypes: true })) {
    if (entry.isFile()) bytes += (await lstat(join(entry.parentPath, entry.name))).size;
  }
  return bytes;
}
