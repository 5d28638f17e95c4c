import { createReadStream } from "node:fs";
import { lstat, readdir, readFile, stat } from "node:fs/promises";
import { basename, join } from "node:path";
import { create } from "tar";
import { UsageError } from "../errors.ts";
import { hideContent } from "../secret.ts";
import { CommandFailedError, type CommandOptions } from "./command.ts";
import type { CommandRunner } from "./runner.ts";
import { progressOf, type Transfer, type UploadOptions } from "./transfer.ts";

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
  options: UploadOptions = {},
): Promise<void> {
  const status = await stat(source).catch((error: unknown) => {
    throw new UsageError(`cannot upload ${source}: there is no such file`, { cause: error });
  });
  const { timeoutMs, secret = false } = options;
  if (secret) await hideFiles(status.isDirectory() ? await filesOf(source) : [source]);
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
  for (const path of await filesOf(directory)) bytes += (await lstat(path)).size;
  return bytes;
}

async function filesOf(directory: string): Promise<string[]> {
  const entries = await readdir(directory, { recursive: true, withFileTypes: true });
  return entries
    .filter((one) => one.isFile())
    .map(({ parentPath, name }) => join(parentPath, name));
}

async function hideFiles(paths: readonly string[]): Promise<void> {
  for (const path of paths) hideContent(await readFile(path), path);
}
