import { existsSync, realpathSync } from "node:fs";
import { createInterface } from "node:readline";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { HostError, InterruptedError } from "../errors.ts";
import { startGuard, terminate } from "../process-group.ts";
import { readVersion } from "./nixpkgs-version.ts";
import type { NixOptions, Nixpkgs } from "./types.ts";

/** The small nixpkgs that dryboot brings, made of the packages of a Debian-like host. */
const directory = fileURLToPath(new URL("../../pocket-nixpkgs", import.meta.url));
const fetchPackages = `${directory}/fetch-packages`;

/** The pocket, where this host can have it. */
export function findPocket(): Nixpkgs | undefined {
  if (!existsSync(fetchPackages) || !existsSync("/usr/bin/apt-get") || !existsSync("/usr/bin/dpkg"))
    return undefined;
  return {
    path: directory,
    origin: "pocket",
    description: `the pocket: enough of NixOS to try dryboot, made of this host's packages (${directory})`,
    ...readVersion(directory),
  };
}

/** Whether this nixpkgs is the pocket, however it was named. */
export function isPocket(nixpkgs: Nixpkgs): boolean {
  if (nixpkgs.origin === "pocket") return true;
  return (
    existsSync(directory) &&
    existsSync(nixpkgs.path) &&
    realpathSync(nixpkgs.path) === realpathSync(directory)
  );
}

/** Whether the pocket's packages are fetched and still those that it wants. */
export async function isPocketReady(): Promise<boolean> {
  const { exitCode } = await execa(fetchPackages, ["--check"], { reject: false, stdio: "ignore" });
  return exitCode === 0;
}

/** Fetches the pocket's packages unless they are there: a few seconds, or under a minute the first time. */
export async function preparePocket({
  onProgress,
  signal,
}: Pick<NixOptions, "onProgress" | "signal"> = {}): Promise<void> {
  if (await isPocketReady()) return;
  onProgress?.({ phase: "nixpkgs", detail: "fetching the pocket's packages" });
  const said: string[] = [];
  const child = execa(fetchPackages, [], {
    detached: true,
    reject: false,
    stdin: "ignore",
    stdout: "ignore",
    buffer: false,
  });
  const { pid } = child;
  const guard = startGuard();
  if (pid !== undefined) guard.watch(pid);
  const end = (): void => {
    if (pid !== undefined) void terminate({ leader: pid });
  };
  signal?.addEventListener("abort", end, { once: true });
  try {
    for await (const line of createInterface({ input: child.stderr })) {
      said.push(line);
      if (said.length > 20) said.shift();
      onProgress?.({ phase: "nixpkgs", detail: line });
    }
    const { exitCode } = await child;
    if (signal?.aborted === true)
      throw new InterruptedError("interrupted while fetching the pocket's packages");
    if (exitCode !== 0) throw fetchFailure(said);
  } finally {
    signal?.removeEventListener("abort", end);
    guard.release();
  }
}

function fetchFailure(said: readonly string[]): HostError {
  const full = said.some((line) => /No space left on device/.test(line));
  return new HostError(
    `the pocket's packages could not be fetched: ${said.at(-1)?.replace(/^fetch-packages: /, "") ?? "no reason given"}`,
    {
      code: full ? "HOST_RESOURCES" : "NIXPKGS_MISSING",
      details: said,
      hint: `Repeat it by hand: ${fetchPackages}; or name a nixpkgs: --nixpkgs PATH`,
    },
  );
}
