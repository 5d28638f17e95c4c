import { randomUUID } from "node:crypto";
import { mkdir, readdir, rename, rm, stat, writeFile } from "node:fs/promises";
import { homedir, tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { now } from "./clock.ts";

export type Environment = Readonly<Record<string, string | undefined>>;

/** Where dryboot remembers what it may forget: below `XDG_CACHE_HOME`, else below the home directory. */
export function cacheDirectory(environment: Environment = process.env): string {
  const cache =
    environment["XDG_CACHE_HOME"] || join(environment["HOME"] || homeOfUser(), ".cache");
  return join(cache, "dryboot");
}

/** A user without a line in passwd, as containers have them, has no home at all. */
function homeOfUser(): string {
  try {
    return homedir() || tmpdir();
  } catch {
    return tmpdir();
  }
}

const draftEnding = ".draft";
const abandonedAfterMs = 60_000;

/** Writes a small file as a whole or not at all, whoever else writes it. */
export async function writeCacheFile(path: string, text: string): Promise<void> {
  await mkdir(dirname(path), { recursive: true, mode: 0o700 });
  const draft = `${path}.${randomUUID()}${draftEnding}`;
  try {
    await writeFile(draft, text, { flag: "wx" });
    await rename(draft, path);
  } catch (error) {
    await rm(draft, { force: true }).catch(() => {});
    throw error;
  }
  await removeAbandonedDrafts(dirname(path));
}

/** Those of processes that were killed between two calls. */
async function removeAbandonedDrafts(directory: string): Promise<void> {
  const names = await readdir(directory).catch(() => []);
  for (const name of names.filter((one) => one.endsWith(draftEnding))) {
    const path = join(directory, name);
    const { mtimeMs } = await stat(path).catch(() => ({ mtimeMs: Infinity }));
    if (mtimeMs < now() - abandonedAfterMs) await rm(path, { force: true }).catch(() => {});
  }
}
