import { readdirSync, statSync } from "node:fs";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { HostError, InterruptedError } from "../errors.ts";

export interface InstallOptions {
  /** Called with apt's own lines. */
  readonly onProgress: (line: string) => void;
  readonly signal?: AbortSignal | undefined;
}

/**
 * Installs Debian packages, as root or through `sudo` where it asks nothing; waits for another apt.
 * @throws {HostError} `HOST_TOOL_MISSING` when apt may not or cannot
 */
export async function installPackages(
  packages: readonly string[],
  options: InstallOptions,
): Promise<void> {
  const prefix = await rootPrefix(packages);
  const update = (): Promise<void> => apt(prefix, ["update"], packages, options);
  const install = (): Promise<void> =>
    apt(prefix, ["install", "--yes", "--no-install-recommends", ...packages], packages, options);
  const wereFresh = areListsFresh();
  if (!wereFresh) await update();
  try {
    await install();
  } catch (error) {
    // Mirrors drop a version as soon as there is a newer one.
    if (!wereFresh || !(error instanceof HostError) || error.code === "HOST_RESOURCES") throw error;
    await update();
    await install();
  }
}

export function byHand(packages: readonly string[]): string {
  const sudo = process.getuid?.() === 0 ? "" : "sudo ";
  return `${sudo}apt-get update && ${sudo}apt-get install --no-install-recommends ${packages.join(" ")}`;
}

async function rootPrefix(packages: readonly string[]): Promise<readonly string[]> {
  if (process.getuid?.() === 0) return [];
  const { exitCode } = await execa("sudo", ["-n", "true"], { reject: false, stdio: "ignore" });
  if (exitCode === 0) return ["sudo", "-n"];
  throw new HostError(
    "only root can install packages, and sudo is not there or asks for a password",
    {
      code: "HOST_TOOL_MISSING",
      hint: `Run it yourself: ${byHand(packages)}`,
    },
  );
}

const freshForMs = 7 * 24 * 60 * 60 * 1000;

/** Whether `apt-get update` has run of late; a package that the lists still name may be gone from the mirror. */
export function areListsFresh(
  directory: string = "/var/lib/apt/lists",
  now: number = Date.now(),
): boolean {
  try {
    return readdirSync(directory)
      .filter((name) => name.includes("_Packages"))
      .some((name) => now - statSync(`${directory}/${name}`).ctimeMs < freshForMs);
  } catch {
    return false;
  }
}

async function apt(
  prefix: readonly string[],
  words: readonly string[],
  packages: readonly string[],
  { onProgress, signal }: InstallOptions,
): Promise<void> {
  const [program = "", ...rest] = [
    ...prefix,
    "env",
    "DEBIAN_FRONTEND=noninteractive",
    "LC_ALL=C.UTF-8",
    "apt-get",
    "--option=DPkg::Lock::Timeout=300",
    "--option=Dpkg::Use-Pty=0",
    ...words,
  ];
  // In a group of its own: an interrupt must not stop dpkg half-way, so apt is only left alone, or ended in order.
  const child = execa(program, rest, {
    reject: false,
    stdin: "ignore",
    all: true,
    buffer: false,
    detached: true,
    ...(signal === undefined ? {} : { cancelSignal: signal, forceKillAfterDelay: false }),
  });
  const said: string[] = [];
  for await (const line of createInterface({ input: child.all })) {
    said.push(line);
    if (said.length > 15) said.shift();
    onProgress(line);
  }
  const { exitCode } = await child;
  if (signal?.aborted === true) {
    throw new InterruptedError("interrupted while apt was at work", { cause: signal.reason });
  }
  if (exitCode === 0) return;
  const why = said.findLast((line) => /^(?:E|Err)[: ]/.test(line)) ?? said.at(-1) ?? "";
  const isFull = said.some((line) => /No space left on device|enough free space/.test(line));
  throw new HostError(`apt-get ${words[0]} failed: ${why.replace(/^E: /, "")}`, {
    code: isFull ? "HOST_RESOURCES" : "HOST_TOOL_MISSING",
    details: said,
    hint: `Repeat it by hand: ${byHand(packages)}`,
  });
}
