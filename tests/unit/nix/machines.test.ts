import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { findMachine, listMachines } from "../../../src/nix/index.ts";

let cwd = "";

beforeEach(() => {
  cwd = mkdtempSync(join(tmpdir(), "dryboot-test-"));
  vi.stubEnv("NIXOS_CONFIG", undefined);
  vi.stubEnv("NIX_PATH", undefined);
});

afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(cwd, { recursive: true });
});

function put(...files: readonly string[]): void {
  for (const file of files) {
    mkdirSync(join(cwd, dirname(file)), { recursive: true });
    writeFileSync(join(cwd, file), "{ }\n");
  }
}

test("machines are the files and the directories below machines/", async () => {
  put("machines/web.nix", "machines/db/default.nix", "machines/mail/configuration.nix");
  put("machines/common/users.nix", "machines/README.md", "machines/.hidden.nix");
  const machines = await listMachines({ cwd });
  expect(machines.map(({ name }) => name)).toEqual(["db", "mail", "web"]);
  expect(machines[1]).toMatchObject({ path: join(cwd, "machines/mail/configuration.nix") });
});

test("a file goes before a directory of the same name, which may hold its vm module", async () => {
  put("machines/web.nix", "machines/web/vm.nix");
  expect(await findMachine("web", { cwd })).toEqual({
    kind: "file",
    name: "web",
    path: join(cwd, "machines/web.nix"),
    vmModule: join(cwd, "machines/web/vm.nix"),
  });
});

test("a directory's machine finds the vm module beside it", async () => {
  put("machines/web/default.nix", "machines/web/vm.nix");
  expect(await findMachine("web", { cwd })).toMatchObject({
    path: join(cwd, "machines/web/default.nix"),
    vmModule: join(cwd, "machines/web/vm.nix"),
  });
});

test.for([
  ["hosts/a b/it's.nix", "it's"],
  ["./hosts/web", "web"],
  ["hosts/web/configuration.nix", "web"],
  ["plain.nix", "plain"],
] as const)("a path is a machine (%s)", async ([reference, name]) => {
  put("hosts/a b/it's.nix", "hosts/web/configuration.nix", "plain.nix");
  expect(await findMachine(reference, { cwd })).toMatchObject({ kind: "file", name });
});

test("a wrong name lists what exists and says what it may have meant", async () => {
  put("machines/web.nix", "machines/db.nix");
  await expect(findMachine("wbe", { cwd })).rejects.toMatchObject({
    code: "MACHINE_NOT_FOUND",
    exitCode: 2,
    message: "there is no machine «wbe»; did you mean web?",
    hint: "Machines: db, web",
  });
});

test.for([
  ["./nowhere.nix", "there is no file ./nowhere.nix"],
  ["./empty", "./empty is a directory without default.nix or configuration.nix"],
  ["./notes.txt", "./notes.txt is not a Nix file"],
] as const)("a wrong path says what is wrong (%s)", async ([reference, message]) => {
  put("empty/other.nix", "notes.txt");
  await expect(findMachine(reference, { cwd })).rejects.toMatchObject({
    code: "MACHINE_NOT_FOUND",
    message,
  });
});

test("without a name NixOS's own ways go before machines/", async () => {
  put("machines/web.nix", "here/configuration.nix", "there.nix");
  expect(await findMachine(undefined, { cwd })).toMatchObject({ kind: "file", name: "web" });
  vi.stubEnv("NIX_PATH", `nixpkgs=/x:nixos-config=${cwd}/there.nix`);
  expect(await findMachine(undefined, { cwd })).toMatchObject({
    kind: "nixos-config",
    name: "there",
  });
  vi.stubEnv("NIXOS_CONFIG", join(cwd, "here"));
  expect(await findMachine(undefined, { cwd })).toMatchObject({
    path: join(cwd, "here/configuration.nix"),
  });
  expect(await findMachine(undefined, { cwd, nixPath: ["nixos-config=there.nix"] })).toMatchObject({
    kind: "nixos-config",
    path: join(cwd, "there.nix"),
  });
});

test("without a name and with several machines the question is which", async () => {
  put("machines/web.nix", "machines/db.nix");
  await expect(findMachine(undefined, { cwd })).rejects.toMatchObject({
    code: "MACHINE_NOT_FOUND",
    message: "which machine?",
  });
});

test("a nixos-config that is not there is named with where it was said", async () => {
  vi.stubEnv("NIXOS_CONFIG", "/nowhere/configuration.nix");
  await expect(findMachine(undefined, { cwd })).rejects.toThrow(
    "NIXOS_CONFIG names /nowhere/configuration.nix, which is not there",
  );
});

test("an expression is a machine", async () => {
  const expression = "{ networking.hostName = ''x''; }";
  expect(await findMachine(undefined, { cwd, expression })).toEqual({
    kind: "expression",
    name: "expression",
    expression,
  });
});
