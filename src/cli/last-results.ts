import { createHash } from "node:crypto";
import { readFile } from "node:fs/promises";
import { join } from "node:path";
import { cacheDirectory, writeCacheFile } from "../cache-file.ts";
import type { MachineSource } from "../nix/index.ts";
import type { MachineResult, Outcome } from "../report/index.ts";
import type { Io } from "./io.ts";

/** What the last `smoke` of a machine came to. */
export interface LastResult {
  readonly outcome: Outcome;
  /** Milliseconds since 1970. */
  readonly endedAtMs: number;
  readonly system?: string;
  readonly vm?: string;
  readonly hostName?: string;
}

/** Keeps it, a file a machine, so that runs beside each other do not meet; it is a memory aid, so a failure is none. */
export async function keepResult(
  source: MachineSource,
  { outcome, system, vm, hostName }: MachineResult,
  io: Io,
): Promise<void> {
  const last: LastResult = {
    outcome,
    endedAtMs: Date.now(),
    ...(system === undefined ? {} : { system }),
    ...(vm === undefined ? {} : { vm }),
    ...(hostName === undefined ? {} : { hostName }),
  };
  await writeCacheFile(fileOf(source, io), JSON.stringify(last)).catch(() => {});
}

export async function lastResult(source: MachineSource, io: Io): Promise<LastResult | undefined> {
  try {
    return JSON.parse(await readFile(fileOf(source, io), "utf8")) as LastResult;
  } catch {
    return undefined;
  }
}

function fileOf(source: MachineSource, { environment, cwd }: Io): string {
  const digest = createHash("sha256")
    .update(JSON.stringify(identity(source, cwd)))
    .digest("hex");
  return join(cacheDirectory(environment), "results", `${digest.slice(0, 32)}.json`);
}

/** A relative flake reference means another flake elsewhere. */
function identity(source: MachineSource, cwd: string): readonly string[] {
  switch (source.kind) {
    case "file":
    case "nixos-config":
      return [source.path];
    case "flake":
      return [cwd, source.reference, source.attribute];
    case "expression":
      return [cwd, source.expression];
  }
}
