import { HostError } from "../errors.ts";
import {
  isPocket,
  preparePocket,
  resolveNixpkgs,
  type NixOptions,
  type Nixpkgs,
} from "../nix/index.ts";
import { byHand, installPackages } from "./apt.ts";
import { readDistribution } from "./distribution.ts";
import { missingRequirements, type Requirement } from "./requirements.ts";

export interface SetupOptions extends NixOptions {
  /** Called for what takes time, line by line. */
  readonly onStep: (step: string) => void;
  readonly onDetail: (line: string) => void;
}

/**
 * Installs what this host lacks, and fetches the pocket's packages where machines will be built from them.
 * @throws {HostError} with the way to get it, where it cannot be installed
 */
export async function setUpHost(options: SetupOptions): Promise<void> {
  const missing = missingRequirements();
  if (missing.length > 0) await install(missing, options);
  const nixpkgs = await chosenNixpkgs(options);
  if (nixpkgs !== undefined && isPocket(nixpkgs)) {
    await preparePocket({
      ...options,
      onProgress: ({ detail }) => options.onDetail(detail ?? "fetching the pocket's packages"),
    });
  }
}

/** A flake brings its own, so that there is none is no failure yet. */
async function chosenNixpkgs(options: SetupOptions): Promise<Nixpkgs | undefined> {
  try {
    return await resolveNixpkgs(options);
  } catch (error) {
    if (error instanceof HostError && error.code === "NIXPKGS_MISSING") return undefined;
    throw error;
  }
}

async function install(missing: readonly Requirement[], options: SetupOptions): Promise<void> {
  const { onStep, onDetail, signal } = options;
  for (const { name, why } of missing) onStep(`${name} is missing: it ${why}`);
  const distribution = readDistribution();
  if (!distribution.isDebianLike) throw cannotInstall(missing, distribution.name);
  const packages = [...new Set(missing.flatMap(({ debianPackages }) => debianPackages))];
  onStep(`installing ${packages.join(", ")} with apt`);
  await installPackages(packages, { onProgress: onDetail, signal });
  const still = missingRequirements();
  if (still.length > 0) {
    throw new HostError(
      `${still.map(({ name }) => name).join(", ")}: still missing after installing ${packages.join(", ")}`,
      {
        code: "HOST_TOOL_MISSING",
        hint:
          still.find(({ afterInstalling }) => afterInstalling !== undefined)?.afterInstalling ??
          `Look at what this says: ${byHand(packages)}`,
      },
    );
  }
}

function cannotInstall(missing: readonly Requirement[], distribution: string): HostError {
  const names = missing.map(({ name }) => name).join(", ");
  return new HostError(
    `missing on this host: ${names}; dryboot installs nothing on ${distribution}`,
    {
      code: "HOST_TOOL_MISSING",
      details: missing.map(({ name, why, elsewhere }) => `${name}: it ${why}; ${elsewhere}`),
      hint: "Install them, then run this again; dryboot doctor shows what is there",
    },
  );
}
