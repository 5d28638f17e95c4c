import { cpSync, mkdirSync, mkdtempSync, rmSync, symlinkSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";

const repository = fileURLToPath(new URL("../..", import.meta.url));

let project = "";

beforeAll(() => {
  project = mkdtempSync(join(tmpdir(), "dryboot-init-"));
  mkdirSync(join(project, "machines"));
  cpSync(join(repository, "machines/minimal.nix"), join(project, "machines/minimal.nix"));
});

afterAll(() => rmSync(project, { recursive: true }));

test("what init writes into a repository passes npm test as it stands", async () => {
  const dryboot = join(repository, "bin/dryboot.js");
  const init = await execa("node", [dryboot, "init"], { cwd: project });
  expect(init.stdout).toMatch(/written +tests\/machines\/minimal\.test\.ts/);

  // In place of npm install: the packages of this checkout.
  mkdirSync(join(project, "node_modules"));
  symlinkSync(repository, join(project, "node_modules/dryboot"));
  symlinkSync(join(repository, "node_modules/vitest"), join(project, "node_modules/vitest"));
  const path = `${join(repository, "node_modules/.bin")}:${process.env["PATH"]}`;

  const { exitCode, all } = await execa("npm", ["test"], {
    cwd: project,
    env: { PATH: path, VITEST: undefined, NO_COLOR: "1" },
    all: true,
    reject: false,
  });
  expect(all).toMatch(/Tests +1 passed/);
  expect(exitCode).toBe(0);
});
