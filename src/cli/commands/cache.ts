import { UsageError } from "../../errors.ts";
import { nearestNames } from "../../nearest.ts";
import {
  checkpointDirectory,
  forgetCheckpoint,
  listCheckpoints,
  type CachedCheckpoint,
} from "../../qemu/index.ts";
import { renderTable } from "../../report/index.ts";
import type { Context } from "../context.ts";
import { columnsOf, writeLines } from "../io.ts";

/** Prints the checkpoints of these machines, of all where none is named; or removes them. */
export async function cache(
  names: readonly string[],
  { remove }: { readonly remove: boolean },
  { io, settings, progress }: Context,
): Promise<number> {
  const directory = checkpointDirectory(io.environment);
  const all = await listCheckpoints({ directory });
  requireKnown(names, all);
  const chosen = all.filter(({ name }) => names.length === 0 || names.includes(name));
  if (remove) {
    for (const { key } of chosen) await forgetCheckpoint(key, { directory });
  }
  if (settings.json) {
    writeLines(
      io.stdout,
      chosen.map((one) => JSON.stringify({ ...one, removed: remove })),
    );
    return 0;
  }
  const rows = chosen.map(({ name, bytes, usedAt }) => [
    name,
    megabytes(bytes),
    `used ${usedAt.toISOString().slice(0, 16).replace("T", " ")} UTC`,
  ]);
  writeLines(io.stdout, renderTable(rows, { columns: columnsOf(io.stdout) }));
  const total = megabytes(chosen.reduce((sum, { bytes }) => sum + bytes, 0));
  if (chosen.length === 0) progress.note(`no checkpoints in ${directory}`);
  else if (remove) progress.note(`removed: ${total}`);
  else progress.note(`${total} in ${directory}; dryboot cache --remove removes them`);
  return 0;
}

function requireKnown(names: readonly string[], all: readonly CachedCheckpoint[]): void {
  const known = [...new Set(all.map(({ name }) => name))];
  const unknown = names.find((name) => !known.includes(name));
  if (unknown === undefined) return;
  const near = nearestNames(unknown, known);
  throw new UsageError(`there is no checkpoint of a machine «${unknown}»`, {
    hint: near.length > 0 ? `Did you mean ${near.join(" or ")}?` : "dryboot cache lists all.",
  });
}

function megabytes(bytes: number): string {
  return `${Math.ceil(bytes / 1_000_000)} MB`;
}
