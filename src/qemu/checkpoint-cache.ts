import { randomUUID } from "node:crypto";
import {
  mkdir,
  readdir,
  readFile,
  rename,
  rm,
  stat,
  statfs,
  utimes,
  writeFile,
} from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory, type Environment } from "../cache-file.ts";
import { now } from "../clock.ts";

/** A checkpoint that later starts may be restored from. */
export interface CachedCheckpoint {
  /** Names all that it depends on. */
  readonly key: string;
  /** Of the machine. */
  readonly name: string;
  readonly directory: string;
  readonly bytes: number;
  readonly usedAt: Date;
}

export interface CheckpointCacheOptions {
  /** @default `checkpoints` in dryboot's cache directory */
  readonly directory?: string;
  /** Of all checkpoints; those that were used longest ago go first. @default 4294967296 (4 GiB) */
  readonly maxBytes?: number;
}

export interface StoreOptions extends CheckpointCacheOptions {
  /** The new one is kept where there is one already. @default false: the earlier one */
  readonly replaces?: boolean;
}

// Nobody saves for so long.
const abandonedAfterMs = 600_000;
const unusedForMs = 14 * 24 * 3_600_000;
const draftEnding = ".draft";
const nameFile = "name";

/** The directory of a checkpoint, which counts as used now; `undefined` where there is none. */
export async function findCheckpoint(
  key: string,
  { directory = checkpointDirectory() }: CheckpointCacheOptions = {},
): Promise<string | undefined> {
  const path = join(directory, key);
  try {
    await utimes(path, now() / 1000, now() / 1000);
    return path;
  } catch {
    return undefined;
  }
}

/**
 * Keeps what `fill` writes into a directory, as a whole or not at all; then makes room by forgetting others.
 * @throws whatever `fill` throws
 */
export async function storeCheckpoint(
  { key, name }: Pick<CachedCheckpoint, "key" | "name">,
  fill: (directory: string) => Promise<void>,
  {
    directory = checkpointDirectory(),
    maxBytes = 4 * 1024 ** 3,
    replaces = false,
  }: StoreOptions = {},
): Promise<void> {
  const draft = join(directory, `${key}.${randomUUID()}${draftEnding}`);
  await mkdir(draft, { recursive: true, mode: 0o700 });
  try {
    await fill(draft);
    await writeFile(join(draft, nameFile), name);
    if (replaces) await forgetCheckpoint(key, { directory });
    await rename(draft, join(directory, key));
  } catch (error) {
    await remove(draft);
    // Another process was faster.
    if (!isCode(error, "ENOTEMPTY") && !isCode(error, "EEXIST")) throw error;
  }
  await forgetOld(directory, maxBytes);
}

/** Those that are kept, the last used first. */
export async function listCheckpoints({
  directory = checkpointDirectory(),
}: CheckpointCacheOptions = {}): Promise<CachedCheckpoint[]> {
  const keys = (await readdir(directory).catch(() => [])).filter(
    (one) => !one.endsWith(draftEnding),
  );
  const found = await Promise.all(
    keys.map((key) => describe(directory, key).catch(() => undefined)),
  );
  return found
    .filter((one) => one !== undefined)
    .toSorted((one, other) => other.usedAt.getTime() - one.usedAt.getTime());
}

export async function forgetCheckpoint(
  key: string,
  { directory = checkpointDirectory() }: CheckpointCacheOptions = {},
): Promise<void> {
  await remove(join(directory, key));
}

/** Bytes that are free where checkpoints are kept; none where that cannot be told. */
export async function checkpointRoomBytes({
  directory = checkpointDirectory(),
}: CheckpointCacheOptions = {}): Promise<number> {
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const { bavail, bsize } = await statfs(directory);
  return bavail * bsize;
}

/** Where they are kept. */
export function checkpointDirectory(environment?: Environment): string {
  return join(cacheDirectory(environment), "checkpoints");
}

async function describe(directory: string, key: string): Promise<CachedCheckpoint> {
  const path = join(directory, key);
  const files = await readdir(path);
  const sizes = await Promise.all(files.map(async (file) => (await stat(join(path, file))).size));
  return {
    key,
    name: await readFile(join(path, nameFile), "utf8"),
    directory: path,
    bytes: sizes.reduce((sum, size) => sum + size, 0),
    usedAt: (await stat(path)).mtime,
  };
}

async function forgetOld(directory: string, maxBytes: number): Promise<void> {
  let bytes = 0;
  for (const checkpoint of await listCheckpoints({ directory })) {
    bytes += checkpoint.bytes;
    const isOld = checkpoint.usedAt.getTime() < now() - unusedForMs;
    if (bytes > maxBytes || isOld) await remove(checkpoint.directory);
  }
  // Those of processes that were killed while they saved.
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (name.endsWith(draftEnding) && mtimeMs < now() - abandonedAfterMs) await remove(path);
  }
}

/** A guest that is being restored from it keeps what it has opened. */
function remove(path: string): Promise<void> {
  return rm(path, { recursive: true, force: true });
}

function isCode(error: unknown, code: string): boolean {
  return error instanceof Error && "code" in error && error.code === code;
}
