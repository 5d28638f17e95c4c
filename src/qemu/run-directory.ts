import { chmod, mkdir, realpath, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { HostError } from "../errors.ts";
import { startGuard, type Guard } from "../process-group.ts";
import { ownerLine } from "./owner.ts";

/** A guest's private directory: all that its run script writes goes here. */
export interface RunDirectory extends AsyncDisposable {
  readonly path: string;
  readonly diskImage: string;
  readonly shared: string;
  /** For what is saved of the guest; never kept with the rest. */
  readonly checkpoints: string;
  /** QEMU's monitor socket. */
  readonly qmpSocket: string;
  /** An environment entry that every process of this guest carries. */
  readonly marker: string;
  /** Ends the guest's processes and removes the directory when dryboot itself dies. */
  readonly guard: Guard;
  /** The directory stays after disposal, for somebody to look at; later sweeps leave it too. */
  keep(): Promise<void>;
}

const prefix = "dryboot-";
export const ownerFile = "owner";
export const keptFile = "kept";
/** NixOS's run script writes the guest's whole closure into it, and would do so again. */
const storeImage = "store.img";

// sockaddr_un holds 108 bytes with the final NUL.
const maxSocketPathBytes = 107;
/** Of the names of all sockets in a run directory, `lane-control` is the longest. */
const maxSocketNameBytes = 12;

/**
 * Makes a private directory below `TMPDIR`.
 * @throws HostError when the disk is full or cannot be written
 */
export async function createRunDirectory({
  name = "guest",
  graceMs = 5000,
}: {
  readonly name?: string;
  /** What the guest's processes are given between TERM and KILL when dryboot has died. */
  readonly graceMs?: number;
} = {}): Promise<RunDirectory> {
  const parent = await realpath(tmpdir()).catch(() => tmpdir());
  const path = await makeDirectory(parent, name);
  const guard = startGuard({ environment: markerOf(path), directories: [path], graceMs });
  let kept = false;
  const dispose = async (): Promise<void> => {
    guard.release();
    if (kept) await removeBulk(path);
    else await rm(path, { recursive: true, force: true, maxRetries: 3 });
  };
  try {
    requireUsablePath(path);
    await chmod(path, 0o700);
    await writeFile(join(path, ownerFile), ownerLine());
    const shared = join(path, "shared");
    await mkdir(shared, { mode: 0o700 });
    return {
      path,
      shared,
      diskImage: join(path, "disk.qcow2"),
      checkpoints: join(path, "checkpoints"),
      qmpSocket: join(path, "qmp"),
      marker: markerOf(path),
      guard,
      async keep() {
        kept = true;
        guard.keep();
        await writeFile(join(path, keptFile), "").catch(() => {});
      },
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose().catch(() => {});
    throw hostError(error, parent);
  }
}

/** What is big, and tells nobody anything. */
async function removeBulk(path: string): Promise<void> {
  await rm(join(path, storeImage), { force: true });
  await rm(join(path, "checkpoints"), { recursive: true, force: true });
}

/** A full or unwritable disk as one line for the user; other errors as they are. */
export function hostError(error: unknown, where: string): unknown {
  const reason = reasons.get(codeOf(error));
  if (reason === undefined) return error;
  return new HostError(`cannot write below ${where}: ${reason}`, {
    code: "HOST_RESOURCES",
    cause: error,
    hint: "Free some space, or point TMPDIR at a directory with room (a few hundred MB a guest).",
  });
}

/** That a guest's console is recorded no further, and why. */
export function recordingNotice(error: unknown, where: string): string {
  const reason = hostError(error, where);
  return `the console is recorded no further: ${reason instanceof Error ? reason.message : reason}`;
}

function codeOf(error: unknown): string {
  if (!(error instanceof Error)) return "";
  // The last words of a program that the run script started, as qemu-img.
  if (error.message.includes("No space left on device")) return "ENOSPC";
  return "code" in error && typeof error.code === "string" ? error.code : "";
}

const reasons: ReadonlyMap<string, string> = new Map([
  ["ENOSPC", "the disk is full"],
  ["EDQUOT", "the disk quota is used up"],
  ["EACCES", "permission denied"],
  ["EPERM", "permission denied"],
  ["EROFS", "the file system is read-only"],
  ["ENOENT", "there is no such directory"],
  ["ENOTDIR", "that is no directory"],
]);

async function makeDirectory(parent: string, name: string): Promise<string> {
  const plain = name.replace(/[^A-Za-z0-9._-]/g, "-").slice(0, 20);
  try {
    // It looks for TMPDIR as soon as it is loaded, and fails where there is none.
    const { dir } = await import("tmp-promise");
    const made = await dir({
      tmpdir: parent,
      template: `${prefix}${process.pid}-${plain}-XXXXXX`,
      mode: 0o700,
    });
    return made.path;
  } catch (error) {
    throw hostError(error, parent);
  }
}

/** An environment entry that every process of the guest of this directory carries. */
export function markerOf(path: string): string {
  return `DRYBOOT_RUN_DIRECTORY=${path}`;
}

function requireUsablePath(directory: string): void {
  if (directory.includes(",")) {
    throw new HostError(`run scripts cannot give QEMU a path with a comma: ${directory}`, {
      code: "HOST_RESOURCES",
      hint: "Point TMPDIR at a directory without one, such as /tmp.",
    });
  }
  const excessBytes = Buffer.byteLength(directory) + 1 + maxSocketNameBytes - maxSocketPathBytes;
  if (excessBytes <= 0) return;
  throw new HostError(
    `sockets in ${directory} would have too long a path, by ${excessBytes} ${excessBytes === 1 ? "byte" : "bytes"}`,
    {
      code: "HOST_RESOURCES",
      hint: "Point TMPDIR at a directory with a shorter path, such as /tmp.",
    },
  );
}
