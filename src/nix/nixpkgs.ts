import { existsSync } from "node:fs";
import { resolve } from "node:path";
import { HostError, UsageError } from "../errors.ts";
import { quoteWords } from "../shell-quote.ts";
import { readVersion } from "./nixpkgs-version.ts";
import { findPocket } from "./pocket.ts";
import { hostFlags, runNix } from "./run-nix.ts";
import type { NixOptions, Nixpkgs } from "./types.ts";

/**
 * The nixpkgs that machines are built from: `--nixpkgs`, the configuration file, `-I`, `NIX_PATH` or channels, and on
 * Debian-like hosts the pocket.
 * @throws {UsageError} when one was named that is not a nixpkgs
 * @throws {HostError} `NIXPKGS_MISSING` when there is none, or Nix cannot fetch the one that was named
 */
export async function resolveNixpkgs(options: NixOptions): Promise<Nixpkgs> {
  const { nixpkgs, nixpkgsFromConfig, nixPath = [] } = options;
  if (typeof nixpkgs === "object") return nixpkgs;
  if (nixpkgs !== undefined) return named(nixpkgs, "option", "--nixpkgs", options);
  if (nixpkgsFromConfig !== undefined)
    return named(nixpkgsFromConfig, "config", "the configuration file", options);
  const entry = nixPath.find((candidate) => candidate.startsWith("nixpkgs="));
  if (entry !== undefined)
    return named(entry.slice("nixpkgs=".length), "nix-path", "-I nixpkgs", options);
  return (await fromNixPath(options)) ?? findPocket() ?? noNixpkgs();
}

/** `channel:nixos-unstable`, `https://…`; what follows another colon is the next entry. */
const urlInNixPath = /(?:^|:)nixpkgs=(?<url>(?:channel|file|flake|https?|s3|ssh):(?:\/\/)?[^:]*)/i;

async function named(
  reference: string,
  origin: Nixpkgs["origin"],
  how: string,
  options: NixOptions,
): Promise<Nixpkgs> {
  const isUrl = /^[a-z][a-z+]*:/i.test(reference);
  const path = isUrl
    ? await findFile(["-I", `nixpkgs=${reference}`], options)
    : resolve(options.cwd, reference);
  if (path === undefined && isUrl) throw notFetched(how, reference);
  if (path === undefined || !isNixpkgs(path)) {
    throw new UsageError(`${how} names ${reference}, which is not a nixpkgs`, {
      code: "CONFIG_INVALID",
      hint: "A nixpkgs is a directory with lib/default.nix and nixos/lib/eval-config.nix",
    });
  }
  return describe(path, origin, `${path}, from ${how}`);
}

async function fromNixPath(options: NixOptions): Promise<Nixpkgs | undefined> {
  const entries = (options.nixPath ?? []).flatMap((entry) => ["-I", entry]);
  const path = await findFile(entries, options);
  const url = urlInNixPath.exec(process.env["NIX_PATH"] ?? "")?.groups?.["url"];
  // Nix passes over what it cannot fetch; the pocket in its place would test something else than was asked for.
  if (path === undefined && url !== undefined) throw notFetched("NIX_PATH", url);
  if (path === undefined || !isNixpkgs(path)) return undefined;
  const how = (process.env["NIX_PATH"] ?? "") === "" ? "Nix's channels" : "NIX_PATH";
  return describe(path, "nix-path", `${path}, from ${how}`);
}

/** What `<nixpkgs>` is for Nix, URLs and channels included. */
async function findFile(
  entries: readonly string[],
  { cwd, signal }: NixOptions,
): Promise<string | undefined> {
  const { succeeded, stdout } = await runNix(
    ["nix-instantiate", "--find-file", "nixpkgs", ...entries, ...hostFlags()],
    { cwd, signal },
  );
  const path = stdout.trim();
  return succeeded && path !== "" ? path : undefined;
}

function notFetched(how: string, url: string): HostError {
  const byHand = quoteWords(["nix-instantiate", "--find-file", "nixpkgs", "-I", `nixpkgs=${url}`]);
  return new HostError(`${how} names ${url}, which Nix cannot fetch`, {
    code: "NIXPKGS_MISSING",
    hint: `Nix's own words: ${byHand}. Where the network does not reach it: --nixpkgs PATH`,
  });
}

function isNixpkgs(path: string): boolean {
  return existsSync(`${path}/lib/default.nix`) && existsSync(`${path}/nixos/lib/eval-config.nix`);
}

function describe(path: string, origin: Nixpkgs["origin"], where: string): Nixpkgs {
  const { version } = readVersion(path);
  if (version === undefined) return { path, origin, description: where };
  return { path, origin, version, description: `${version} in ${where}` };
}

function noNixpkgs(): never {
  throw new HostError(
    "there is no nixpkgs: neither --nixpkgs nor NIX_PATH nor a channel names one",
    {
      code: "NIXPKGS_MISSING",
      hint: "Name one: --nixpkgs PATH, or NIX_PATH=nixpkgs=PATH, or nix-channel --add https://nixos.org/channels/nixos-unstable nixpkgs && nix-channel --update",
    },
  );
}
