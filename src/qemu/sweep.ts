import { readdir, readFile, rm, stat } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { now } from "../clock.ts";
import { terminate } from "../process-group.ts";
import { stateOfOwner } from "./owner.ts";
import { keptFile, markerOf, ownerFile } from "./run-directory.ts";

// A guest that lives writes: to its console's log, to its disk.
const abandonedAfterMs = 24 * 3_600_000;

/**
 * Removes the directories of runs that are dead and were not kept, and ends what still runs for them; returns their
 * paths.
 */
export async function sweepRunDirectories(parent: string = tmpdir()): Promise<string[]> {
  const names = await readdir(parent).catch(() => []);
  const swept: string[] = [];
  for (const name of names.filter((one) => /^dryboot-\d+-/.test(one))) {
    const path = join(parent, name);
    if (!(await isAbandoned(path))) continue;
    await terminate({ leader: noLeader, environment: markerOf(path) });
    await rm(path, { recursive: true, force: true }).then(
      () => swept.push(path),
      () => {},
    );
  }
  return swept;
}

const noLeader = -1;

async function isAbandoned(path: string): Promise<boolean> {
  // Without an owner file it is just being made, or somebody else's.
  const owner = await readFile(join(path, ownerFile), "utf8").catch(() => undefined);
  if (owner === undefined) return false;
  if ((await readFile(join(path, keptFile)).catch(() => undefined)) !== undefined) return false;
  const state = stateOfOwner(owner);
  return state === "unknown" ? await isQuiet(path) : state === "dead";
}

async function isQuiet(directory: string): Promise<boolean> {
  const names = await readdir(directory).catch(() => []);
  const writtenMs = await Promise.all(
    names.map((name) =>
      stat(join(directory, name)).then(
        ({ mtimeMs }) => mtimeMs,
        () => 0,
      ),
    ),
  );
  return Math.max(0, ...writtenMs) < now() - abandonedAfterMs;
}
