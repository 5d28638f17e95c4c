import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { createRunDirectory, runScriptCall } from "../../../src/qemu/index.ts";

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "dryboot-directory-test-"));
  vi.stubEnv("TMPDIR", parent);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(parent, { recursive: true });
});

test("a run directory is private and goes with its guest", async () => {
  let path: string;
  {
    await using directory = await createRunDirectory({ name: "web" });
    ({ path } = directory);
    expect(path.startsWith(join(parent, `dryboot-${process.pid}-web-`))).toBe(true);
    expect(statSync(path).mode & 0o777).toBe(0o700);
  }
  expect(existsSync(path)).toBe(false);
});

test("a kept directory stays", async () => {
  const directory = await createRunDirectory();
  await directory.keep();
  await directory[Symbol.asyncDispose]();
  expect(existsSync(directory.path)).toBe(true);
});

test("a TMPDIR that cannot be written is an error of this host in one line", async () => {
  vi.stubEnv("TMPDIR", join(parent, "nowhere"));
  await expect(createRunDirectory()).rejects.toMatchObject({
    code: "HOST_RESOURCES",
    exitCode: 5,
    message: `cannot write below ${parent}/nowhere: there is no such directory`,
  });
});

test("a TMPDIR that is too long for a socket is an error of this host", async () => {
  const long = join(parent, "x".repeat(100));
  spawnSync("mkdir", [long]);
  vi.stubEnv("TMPDIR", long);
  await expect(createRunDirectory()).rejects.toMatchObject({ code: "HOST_RESOURCES" });
  expect(spawnSync("ls", [long]).stdout.toString()).toBe("");
});

test("a run script gets its own paths, and the user's settings come before dryboot's", async () => {
  await using runDirectory = await createRunDirectory();
  const { args, env, cwd } = runScriptCall({
    runDirectory,
    accelerator: { name: "tcg", qemuArguments: ["-machine", "accel=tcg"], timeoutScale: 4 },
    memoryMiB: 768,
    kernelParameters: ["systemd.show_status=1"],
    environment: {
      PATH: "/bin",
      QEMU_OPTS: "-cpu max",
      QEMU_NET_OPTS: "hostfwd=tcp::1-:22",
      DISPLAY: ":0",
    },
  });
  expect(cwd).toBe(runDirectory.path);
  expect(args.join(" ")).toMatch(/^-nographic -machine accel=tcg -m 768 -qmp unix:/);
  expect(env).toMatchObject({
    TMPDIR: runDirectory.path,
    USE_TMPDIR: "1",
    QEMU_OPTS: "-cpu max",
    QEMU_NET_OPTS: "hostfwd=tcp::1-:22,restrict=on",
    QEMU_KERNEL_PARAMS: "console=ttyS0 systemd.show_status=1",
  });
  expect(env).not.toHaveProperty("DISPLAY");
  expect(`${env["DRYBOOT_RUN_DIRECTORY"]}`).toBe(runDirectory.marker.split("=")[1]);
});
