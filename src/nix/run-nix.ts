import { existsSync, readFileSync } from "node:fs";
import { createInterface } from "node:readline";
import { execa } from "execa";
import { Deadline } from "../deadline.ts";
import { HostError, InterruptedError } from "../errors.ts";
import { isAlive, startGuard, terminate } from "../process-group.ts";
import { createNixLog, type NixLog } from "./nix-log.ts";
import type { NixProgress } from "./types.ts";

export interface NixRun {
  readonly cwd: string;
  readonly phase?: "evaluate" | "build";
  readonly onProgress?: ((progress: NixProgress) => void) | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface NixOutcome {
  readonly succeeded: boolean;
  readonly stdout: string;
  readonly log: NixLog;
}

/** Runs one of Nix's programs; a failure is an outcome, only a Nix that is missing or an abort throws. */
export async function runNix(
  [program, ...words]: readonly [string, ...string[]],
  { cwd, phase = "evaluate", onProgress, signal }: NixRun,
): Promise<NixOutcome> {
  throwIfInterrupted(signal);
  const log = createNixLog(phase, onProgress);
  // In a group of its own: Ctrl-C reaches dryboot alone, which then ends Nix in order.
  const child = execa(program, words, {
    cwd,
    detached: true,
    reject: false,
    stdin: "ignore",
    stderr: "pipe",
    buffer: { stdout: true, stderr: false },
    // Without this `trace` and error messages come in the user's language.
    env: { LC_ALL: "C.UTF-8" },
  });
  const { pid } = child;
  const guard = pid === undefined ? undefined : startGuard();
  if (pid !== undefined) guard?.watch(pid);
  let ended: Promise<void> | undefined;
  const end = (): void => {
    if (pid !== undefined) ended ??= endNix(pid, () => child.kill("SIGTERM"));
  };
  signal?.addEventListener("abort", end, { once: true });
  try {
    const lines = createInterface({ input: child.stderr, crlfDelay: Infinity });
    for await (const line of lines) log.push(line);
    const outcome = await child;
    await ended;
    throwIfInterrupted(signal);
    if (outcome.code === "ENOENT") throw nixMissing(program, outcome.cause);
    return { succeeded: outcome.exitCode === 0, stdout: outcome.stdout, log };
  } finally {
    signal?.removeEventListener("abort", end);
    guard?.release();
  }
}

/**
 * Nix misses a signal that comes between its look at the flag and its wait for a builder, and a builder outlives a Nix
 * that is killed: so it is asked until it hears.
 */
async function endNix(pid: number, ask: () => void): Promise<void> {
  const patience = Deadline.after(5000);
  while (isAlive({ leader: pid }) && !patience.expired) {
    ask();
    await patience.sleep(100);
  }
  await terminate({ leader: pid });
}

function throwIfInterrupted(signal: AbortSignal | undefined): void {
  if (signal?.aborted === true)
    throw new InterruptedError("interrupted while Nix was at work", { cause: signal.reason });
}

function nixMissing(program: string, cause: unknown): HostError {
  return new HostError(`Nix is missing: there is no ${program} on PATH`, {
    code: "NIX_MISSING",
    cause,
    hint: existsSync("/usr/bin/apt-get")
      ? "npx dryboot setup installs it, as does: apt-get install nix-bin"
      : "https://nixos.org/download says how to install it",
  });
}

/**
 * What Nix needs to be told on this host and nowhere else: root in a container has neither a daemon nor build users,
 * and often may not make the namespaces of a sandbox.
 */
export function hostFlags(): readonly string[] {
  const alone = process.getuid?.() === 0 && !hasDaemon() && !hasBuildUsers();
  return alone ? ["--option", "sandbox", "false", "--option", "build-users-group", ""] : [];
}

function hasDaemon(): boolean {
  const remote = process.env["NIX_REMOTE"] ?? "";
  return (remote !== "" && remote !== "auto") || existsSync("/nix/var/nix/daemon-socket/socket");
}

function hasBuildUsers(): boolean {
  try {
    return /^nixbld:/m.test(readFileSync("/etc/group", "utf8"));
  } catch {
    return false;
  }
}
