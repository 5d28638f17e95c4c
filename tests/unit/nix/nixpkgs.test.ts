import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterEach, expect, test, vi } from "vitest";
import { resolveNixpkgs } from "../../../src/nix/index.ts";

const fixtures = fileURLToPath(new URL("../../fixtures/nixpkgs", import.meta.url));

afterEach(() => void vi.unstubAllEnvs());

test("--nixpkgs goes before the configuration file, that before -I, that before NIX_PATH", async () => {
  vi.stubEnv("NIX_PATH", `nixpkgs=${fixtures}/old`);
  const fromEnvironment = await resolveNixpkgs({ cwd: fixtures });
  expect(fromEnvironment).toMatchObject({
    origin: "nix-path",
    path: `${fixtures}/old`,
    version: "18.09pre-git",
  });
  const nixPath = ["nixpkgs=new"];
  expect(await resolveNixpkgs({ cwd: fixtures, nixPath })).toMatchObject({
    origin: "nix-path",
    path: join(fixtures, "new"),
    version: "26.05",
  });
  const nixpkgsFromConfig = "old";
  expect(await resolveNixpkgs({ cwd: fixtures, nixPath, nixpkgsFromConfig })).toMatchObject({
    origin: "config",
    path: join(fixtures, "old"),
  });
  expect(
    await resolveNixpkgs({ cwd: fixtures, nixPath, nixpkgsFromConfig, nixpkgs: "./new" }),
  ).toMatchObject({ origin: "option", path: join(fixtures, "new") });
});

test("a directory that is not a nixpkgs is refused by name", async () => {
  await expect(resolveNixpkgs({ cwd: fixtures, nixpkgs: "/etc" })).rejects.toMatchObject({
    code: "CONFIG_INVALID",
    message: "--nixpkgs names /etc, which is not a nixpkgs",
  });
});

test("a NIX_PATH that leads nowhere counts as none", async () => {
  vi.stubEnv("NIX_PATH", "nixpkgs=/nowhere");
  const found = await resolveNixpkgs({ cwd: fixtures }).catch((error: unknown) => error);
  expect(found).not.toMatchObject({ origin: "nix-path" });
});

test("without Nix the message says so", async () => {
  vi.stubEnv("PATH", "/nowhere");
  await expect(resolveNixpkgs({ cwd: fixtures })).rejects.toMatchObject({
    code: "NIX_MISSING",
    exitCode: 5,
  });
});

test("an archive that cannot be fetched is named, and nothing else takes its place", async () => {
  const url = "file:///nowhere/nixexprs.tar.xz";
  const failure = (how: string): object => ({
    code: "NIXPKGS_MISSING",
    message: `${how} names ${url}, which Nix cannot fetch`,
  });
  await expect(resolveNixpkgs({ cwd: fixtures, nixpkgs: url })).rejects.toMatchObject(
    failure("--nixpkgs"),
  );
  vi.stubEnv("NIX_PATH", `other=/nowhere:nixpkgs=${url}:more=/nowhere`);
  await expect(resolveNixpkgs({ cwd: fixtures })).rejects.toMatchObject(failure("NIX_PATH"));
});
