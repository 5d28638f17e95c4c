import { randomUUID } from "node:crypto";
import { lstat, mkdir, readdir, readFile, rm, writeFile } from "node:fs/promises";
import { join } from "node:path";
import { hostTime } from "../clock.ts";
import { HostError } from "../errors.ts";
import { hostBootId } from "../host-boot.ts";
import { startTimeOf } from "../process-group.ts";

/** What one guest takes of this host, or would like to. */
export interface Claim {
  /** Unique on this host. */
  readonly id: string;
  /** Drawn from the host's clock, in nanoseconds: lower numbers came first. */
  readonly number: number;
  readonly memoryMiB: number;
  readonly cores: number;
  /** What keeps the guest until it ends. */
  readonly holder: string;
  /** The holders that cannot end before this claim is met. */
  readonly blocks: readonly string[];
  /** The guest may run; otherwise it is waited for. */
  readonly held: boolean;
}

/** A claim where every process of this user sees it. */
export interface ClaimFile {
  readonly directory: string;
  readonly claim: Claim;
  hold(): Promise<void>;
  remove(): Promise<void>;
}

/**
 * Files a claim. The file is there before its number is drawn: whoever has not seen the file will be behind it, and
 * whoever sees it without a number waits for that (Lamport's bakery). So no file is ever locked.
 * @throws {HostError} where the directory is somebody else's or cannot be written
 */
export async function fileClaim(
  wish: Omit<Claim, "id" | "number" | "held">,
  directory: string = claimsDirectory(),
): Promise<ClaimFile> {
  await ownDirectory(directory);
  // This module may be there several times in a process: one for each thread, or for each file of tests.
  const id = `${processName(process.pid)}-${randomUUID()}`;
  const path = join(directory, id);
  try {
    await writeFile(path, "", { mode: 0o600, flag: "wx" });
    const number = Number(hostTime());
    const claim: Claim = { ...wish, id, number, held: false };
    await writeFile(path, JSON.stringify(claim));
    return {
      directory,
      claim,
      hold: () => writeFile(path, JSON.stringify({ ...claim, held: true })),
      remove: () => rm(path, { force: true }),
    };
  } catch (error) {
    // Everybody would wait for its number.
    await rm(path, { force: true });
    throw unusable(directory, error);
  }
}

/** The claims of processes that live; undefined while one of them is being written. */
export async function readClaims(directory: string): Promise<Claim[] | undefined> {
  const claims: Claim[] = [];
  for (const name of await readdir(directory)) {
    const path = join(directory, name);
    // A dead process's name never comes back, so that anybody may clear it away.
    if (!isAlive(name)) await rm(path, { force: true });
    else {
      const claim = await readClaim(path);
      if (claim === "being written") return undefined;
      if (claim !== undefined) claims.push(claim);
    }
  }
  return claims;
}

async function readClaim(path: string): Promise<Claim | "being written" | undefined> {
  try {
    return JSON.parse(await readFile(path, "utf8")) as Claim;
  } catch (error) {
    return error instanceof SyntaxError ? "being written" : undefined;
  }
}

/** Not below TMPDIR, which differs from one shell to the next. */
function claimsDirectory(): string {
  const runtime = process.env["XDG_RUNTIME_DIR"] ?? "";
  return runtime === ""
    ? `/tmp/dryboot-guests-${process.getuid?.()}`
    : join(runtime, "dryboot-guests");
}

async function ownDirectory(directory: string): Promise<void> {
  try {
    await mkdir(directory, { recursive: true, mode: 0o700 });
  } catch (error) {
    throw unusable(directory, error);
  }
  const status = await lstat(directory);
  if (!status.isDirectory() || status.uid !== process.getuid?.()) {
    throw unusable(directory, new Error("it is not yours"));
  }
}

function unusable(directory: string, cause: unknown): HostError {
  const reason = cause instanceof Error ? cause.message : String(cause);
  return new HostError(`cannot share the host among guests in ${directory}: ${reason}`, {
    code: "HOST_RESOURCES",
    hint: "Point XDG_RUNTIME_DIR at a directory of your own.",
    cause,
  });
}

/** With its start and the host's boot, a process's id names it for ever. */
export function processName(pid: number): string {
  return `${pid}-${startTimeOf(pid) ?? "dead"}-${hostBootId().slice(0, 8)}`;
}

function isAlive(name: string): boolean {
  return name.startsWith(`${processName(Number.parseInt(name, 10))}-`);
}
