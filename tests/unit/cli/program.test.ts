import { mkdir, mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { dirname, join } from "node:path";
import { expect, test } from "vitest";
import { runCli } from "../../fixtures/captured-io.ts";

/** A directory with these files. */
async function directoryWith(
  files: Readonly<Record<string, string>>,
): Promise<AsyncDisposable & { readonly path: string }> {
  const path = await mkdtemp(join(tmpdir(), "dryboot-test-"));
  for (const [name, text] of Object.entries(files)) {
    await mkdir(dirname(join(path, name)), { recursive: true });
    await writeFile(join(path, name), text);
  }
  return { path, [Symbol.asyncDispose]: () => rm(path, { recursive: true }) };
}

test("help goes to stdout and ends with 0", async () => {
  const { exitCode, stdout, stderr } = await runCli(["--help"]);
  expect({ exitCode, stderr }).toEqual({ exitCode: 0, stderr: "" });
  for (const command of [
    "smoke",
    "build",
    "boot",
    "run",
    "checks",
    "diff",
    "list",
    "doctor",
    "setup",
  ]) {
    expect(stdout).toContain(`\n  ${command} `);
  }
});

test("a command takes what it has a use for, and refuses what only others take", async () => {
  const { stdout } = await runCli(["list", "--help"]);
  expect(stdout).toMatch(/--json[^]*--nixpkgs[^]*--include/);
  expect(stdout).not.toContain("--memory");
  for (const argv of [
    ["list", "--memory", "700"],
    ["attach", "/tmp", "--no-lane"],
    ["boot", "--json"],
  ]) {
    const { exitCode, stderr } = await runCli(argv);
    const [name, flag] = [argv[0], argv.find((word) => word.startsWith("--"))];
    expect(stderr).toBe(
      `error: ${name} has no use for ${flag}\ndryboot ${name} --help lists what it takes\n`,
    );
    expect(exitCode).toBe(2);
  }
});

test.for([
  { argv: ["smok"], says: "Did you mean smoke?" },
  { argv: ["list", "--jsn"], says: "Did you mean --json?" },
  { argv: ["smoke", "--memory", "much"], says: "must be a whole number" },
  { argv: ["smoke", "--accel", "xen"], says: "Allowed choices are auto, kvm, tcg" },
  { argv: ["smoke", "-I", "nixpkgs"], says: "must be NAME=PATH" },
  { argv: ["--memory", "700", "list"], says: "--memory stands behind the command" },
  { argv: ["run", "web"], says: "which command?" },
  { argv: ["boot", "web"], says: "boot needs a terminal" },
  { argv: ["build", ".#web"], says: "there is no flake in /" },
  { argv: ["smoke", "web"], says: "there is no machine «web»" },
])("$argv ends with 2", async ({ argv, says }) => {
  await using empty = await directoryWith({});
  const { exitCode, stdout, stderr } = await runCli(argv, { cwd: empty.path });
  expect({ exitCode, stdout }).toEqual({ exitCode: 2, stdout: "" });
  expect(stderr).toContain(says);
});

test("machines are listed by name and place", async () => {
  await using directory = await directoryWith({
    "machines/web.nix": "{ }",
    "machines/db/configuration.nix": "{ }",
  });
  const { stdout } = await runCli(["list"], { cwd: directory.path });
  expect(stdout).toBe("db   machines/db/configuration.nix\nweb  machines/web.nix\n");
  const json = await runCli(["list", "--json"], { cwd: directory.path });
  expect(
    json.stdout
      .trim()
      .split("\n")
      .map((line) => JSON.parse(line)),
  ).toMatchObject([
    { name: "db", kind: "file" },
    { name: "web", kind: "file" },
  ]);
});

test("settings of a machine whose name is misspelt end with 2; other names may be those of paths", async () => {
  await using directory = await directoryWith({
    "machines/web.nix": "{ }",
    "dryboot.config.json":
      '{ "machines": { "web": {}, "web2": {}, "elsewhere": {}, "wbe": { "memory": 700 } } }',
  });
  const { exitCode, stderr } = await runCli(["list"], { cwd: directory.path });
  expect(stderr).toContain("settings of a machine «wbe», and there is none; did you mean web?");
  expect(exitCode).toBe(2);
});

test("the configuration file says where the machines are", async () => {
  await using directory = await directoryWith({
    "dryboot.config.json": '{ "machinesDirectory": "hosts" }',
    "hosts/mail.nix": "{ }",
  });
  const { stdout } = await runCli(["list"], { cwd: directory.path });
  expect(stdout).toBe("mail  hosts/mail.nix\n");
});

test.for([
  { text: '{ "memroy": 1 }', says: "there is no setting «memroy»" },
  { text: '{ "memory": "1G" }', says: "«memory» must be a number, not" },
  { text: '{ "memory": 0 }', says: "«memory» must be at least 1" },
  {
    text: '{ "machines": { "web": { "cores": 1.5 } } }',
    says: "«machines.web.cores» must be a whole number",
  },
  { text: '{ "accel": "hvf" }', says: "«accel» must be" },
  { text: "{", says: "dryboot.config.json cannot be read" },
])("a configuration file that says $text ends with 2", async ({ text, says }) => {
  await using directory = await directoryWith({ "dryboot.config.json": text });
  const { exitCode, stderr } = await runCli(["list"], { cwd: directory.path });
  expect(stderr).toContain(says);
  expect(exitCode).toBe(2);
});

test("a fault of dryboot itself ends with 70, its stack and a request", async () => {
  const { exitCode, stderr } = await runCli(["list"], { cwd: 42 as never });
  expect(exitCode).toBe(70);
  expect(stderr).toMatch(/^this is a fault of dryboot: The "path" .*\nTypeError.*\n +at /);
  expect(stderr).toContain("Please report it");
});
