import { createHash } from "node:crypto";
import { constants, createReadStream } from "node:fs";
import { copyFile, mkdir } from "node:fs/promises";
import { basename, dirname, join, resolve } from "node:path";
import { pipeline } from "node:stream/promises";
import { Deadline } from "../deadline.ts";
import { quoteWord } from "../shell-quote.ts";
import { asRecord, QmpError, type Qmp } from "./qmp.ts";
import type { RunDirectory } from "./run-directory.ts";

/** What of a checkpoint must be there when it is restored, and is not in its files. */
export interface SavedState {
  /** Digests of the images that the run script makes anew at each start, by file name. */
  readonly images: Readonly<Record<string, string>>;
}

type Place = Pick<RunDirectory, "path" | "diskImage">;

// No limit: the disk and the guest's memory set the pace.
const bytesPerSecond = 1e12;
const pollMs = 20;
// Also where the time to save it is over.
const continuingMs = 20_000;

/**
 * Writes a guest's memory and disk into a directory; the guest stands still meanwhile, and runs on afterwards whatever
 * comes of it.
 * @throws QmpError where QEMU cannot save this guest
 */
export async function saveState(
  qmp: Qmp,
  { place, directory }: { readonly place: Place; readonly directory: string },
  deadline: Deadline,
): Promise<SavedState> {
  const images = await imagesOf(qmp, place, deadline);
  await mkdir(directory, { recursive: true, mode: 0o700 });
  const migrate = { uri: `exec:cat >${quoteWord(join(directory, memoryFile))}` };
  await qmp.execute("stop", { deadline });
  try {
    const limits = { "max-bandwidth": bytesPerSecond };
    await qmp.execute("migrate-set-parameters", { arguments: limits, deadline });
    await qmp.execute("migrate", { arguments: migrate, deadline });
    await untilMigrated(qmp, deadline);
    await copy(place.diskImage, join(directory, diskFile));
  } finally {
    await qmp.execute("cont", { deadline: Deadline.after(continuingMs) });
  }
  return { images: await digestsOf(images, place.path) };
}

/**
 * Finds out without a stop whether a guest could be saved.
 * @throws QmpError with the reason why not
 */
export async function requireSavable(qmp: Qmp, place: Place, deadline: Deadline): Promise<void> {
  await imagesOf(qmp, place, deadline);
  const migration = asRecord(await qmp.execute("query-migrate", { deadline }));
  const reasons = migration["blocked-reasons"];
  if (Array.isArray(reasons) && reasons.length > 0) throw new QmpError(String(reasons[0]));
}

/** Puts the disk of a checkpoint to where the run script looks for one. */
export function restoreDisk({ diskImage }: Place, directory: string): Promise<void> {
  return copy(join(directory, diskFile), diskImage);
}

/** With these QEMU reads a checkpoint's memory before the guest begins to run. */
export function restoreArguments(directory: string): string[] {
  return ["-incoming", `exec:cat ${quoteWord(join(directory, memoryFile))}`];
}

/**
 * Waits until QEMU has read the memory that it was told to read; the guest stands still.
 * @throws QmpError where it could not be read, or where the run script has made other images than at the time
 */
export async function loadState(
  qmp: Qmp,
  { place, state }: { readonly place: Place; readonly state: SavedState },
  deadline: Deadline,
): Promise<void> {
  while ((await statusOf(qmp, deadline)) === "inmigrate") await nap(deadline, "read its memory");
  const images = Object.keys(state.images);
  const digests = await digestsOf(images, place.path);
  const other = images.find((image) => digests[image] !== state.images[image]);
  if (other !== undefined) throw new QmpError(`${other} is not what it was when it was saved`);
}

/**
 * Lets a guest run on that was loaded. A connection is there for who makes it before QEMU has taken it, and a guest that
 * runs before that is told that its port has lost its host.
 * @param devices ids of the character devices that somebody has connected to
 * @throws QmpError
 */
export async function resumeState(
  qmp: Qmp,
  { devices }: { readonly devices: readonly string[] },
  deadline: Deadline,
): Promise<void> {
  while (!(await areConnected(qmp, devices, deadline))) {
    await nap(deadline, "take the connections to the guest's ports");
  }
  await qmp.execute("cont", { deadline });
}

async function areConnected(
  qmp: Qmp,
  devices: readonly string[],
  deadline: Deadline,
): Promise<boolean> {
  const known = asList(await qmp.execute("query-chardev", { deadline }));
  return !known.some(
    ({ label, filename }) =>
      devices.includes(String(label)) && String(filename).startsWith("disconnected:"),
  );
}

const memoryFile = "memory";
const diskFile = "disk.qcow2";

/** Names of the images that the run script makes at each start. @throws QmpError where the guest writes to more than its disk */
async function imagesOf(qmp: Qmp, place: Place, deadline: Deadline): Promise<string[]> {
  const blocks = await qmp.execute("query-block", { deadline });
  const others = asList(blocks)
    .map((block) => asRecord(block["inserted"]))
    .flatMap(({ file, ro }) =>
      typeof file === "string"
        ? [{ path: resolve(place.path, file), isReadOnly: ro === true }]
        : [],
    )
    .filter(({ path }) => path !== place.diskImage);
  // The guest mounts it read-only, though some run scripts do not say so.
  const storeImage = join(place.path, "store.img");
  const written = others.find(({ path, isReadOnly }) => !isReadOnly && path !== storeImage);
  if (written !== undefined) throw new QmpError(`it also writes to ${basename(written.path)}`);
  return others
    .map(({ path }) => path)
    .filter((path) => dirname(path) === place.path)
    .map((path) => basename(path));
}

async function untilMigrated(qmp: Qmp, deadline: Deadline): Promise<void> {
  for (;;) {
    const answer = asRecord(await qmp.execute("query-migrate", { deadline }));
    if (answer["status"] === "completed") return;
    if (answer["status"] === "failed") {
      const reason = answer["error-desc"];
      throw new QmpError(typeof reason === "string" ? reason : "its memory could not be written");
    }
    await nap(deadline, "write its memory");
  }
}

async function statusOf(qmp: Qmp, deadline: Deadline): Promise<unknown> {
  return asRecord(await qmp.execute("query-status", { deadline }))["status"];
}

async function nap(deadline: Deadline, doing: string): Promise<void> {
  if (deadline.expired) throw new QmpError(`QEMU took too long to ${doing}`);
  await deadline.sleep(pollMs);
}

async function digestsOf(
  images: readonly string[],
  directory: string,
): Promise<Record<string, string>> {
  const digests: Record<string, string> = {};
  for (const image of images) {
    const hash = createHash("sha256");
    await pipeline(createReadStream(join(directory, image)), hash);
    digests[image] = hash.digest("hex");
  }
  return digests;
}

/** Shares the blocks where the file system can. */
function copy(from: string, to: string): Promise<void> {
  return copyFile(from, to, constants.COPYFILE_FICLONE);
}

function asList(value: unknown): readonly Readonly<Record<string, unknown>>[] {
  return Array.isArray(value) ? value.map(asRecord) : [];
}
