import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { lanePorts } from "../../../src/guest/lane/ports.ts";
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

test("a kept directory stays, without the image of the guest's whole closure", async () => {
  const directory = await createRunDirectory();
  for (const name of ["store.img", "console.log"]) writeFileSync(join(directory.path, name), "");
  await directory.keep();
  await directory[Symbol.asyncDispose]();
  expect(existsSync(join(directory.path, "console.log"))).toBe(true);
  expect(existsSync(join(directory.path, "store.img"))).toBe(false);
});

test("a TMPDIR that cannot be written is an error of this host in one line", async () => {
  vi.stubEnv("TMPDIR", join(parent, "nowhere"));
  await expect(createRunDirectory()).rejects.toMatchObject({
    code: "HOST_RESOURCES",
    exitCode: 5,
    message: `cannot write below ${parent}/nowhere: there is no such directory`,
  });
});

/** A TMPDIR in which a run directory's own path has so many bytes. */
function temporaryFor(pathBytes: number): string {
  const own = `/dryboot-${process.pid}-guest-XXXXXX`;
  const temporary = `${parent}/`.padEnd(pathBytes - own.length, "x");
  mkdirSync(temporary);
  vi.stubEnv("TMPDIR", temporary);
  return temporary;
}

test("the sockets of a lane have room in the longest TMPDIR that is taken", async () => {
  temporaryFor(94);
  await using directory = await createRunDirectory();
  const { control, slots } = lanePorts(directory.path);
  const paths = [control, ...slots.flatMap(({ out, err }) => [out, err]), directory.qmpSocket];
  expect(Math.max(...paths.map((path) => Buffer.byteLength(path)))).toBe(107);
});

test("a TMPDIR that is too long for a socket is an error of this host, and nothing stays there", async () => {
  const temporary = temporaryFor(95);
  await expect(createRunDirectory()).rejects.toMatchObject({
    code: "HOST_RESOURCES",
    message: expect.stringMatching(/^sockets in .* would have too long a path, by 1 byte$/),
  });
  expect(readdirSync(temporary)).toEqual([]);
});

test("a TMPDIR with blanks and quotes is taken, one with a comma is not", async () => {
  const odd = join(parent, 'it\'s "odd" ü');
  mkdirSync(odd);
  vi.stubEnv("TMPDIR", odd);
  {
    await using directory = await createRunDirectory();
    expect(directory.path.startsWith(odd)).toBe(true);
  }
  mkdirSync(`${odd},`);
  vi.stubEnv("TMPDIR", `${odd},`);
  await expect(createRunDirectory()).rejects.toMatchObject({
    code: "HOST_RESOURCES",
    message: expect.stringContaining("with a comma"),
  });
});

test("a run script gets its own paths, and the user's settings come before dryboot's", async () => {
  await using runDirectory = await createRunDirectory();
  const { args, env, cwd } = runScriptCall({
    runDirectory,
    accelerator: {
      name: "tcg",
      qemuArguments: ["-machine", "accel=tcg"],
      kernelParameters: ["norandmaps"],
      timeoutScale: 4,
    },
    memoryMiB: 768,
    kernelParameters: ["systemd.show_status=1"],
    environment: {
      PATH: "/bin",
      QEMU_OPTS: "-cpu max",
      QEMU_NET_OPTS: "hostfwd=tcp::1-:22",
      QEMU_KERNEL_PARAMS: "quiet",
      DISPLAY: ":0",
    },
  });
  expect(cwd).toBe(runDirectory.path);
  expect(args.join(" ")).toMatch(
    /^-nographic -chardev stdio,\S+ -serial \S+ -machine accel=tcg -m 768 -qmp unix:/,
  );
  expect(env).toMatchObject({
    TMPDIR: runDirectory.path,
    USE_TMPDIR: "1",
    QEMU_OPTS: "-cpu max",
    QEMU_NET_OPTS: "hostfwd=tcp::1-:22,restrict=on",
    QEMU_KERNEL_PARAMS: "quiet console=ttyS0 norandmaps systemd.show_status=1",
  });
  expect(env).not.toHaveProperty("DISPLAY");
  expect(`${env["DRYBOOT_RUN_DIRECTORY"]}`).toBe(runDirectory.marker.split("=")[1]);
});
