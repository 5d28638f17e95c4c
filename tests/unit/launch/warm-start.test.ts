import { chmodSync, mkdtempSync, readdirSync, rmSync, utimesSync, writeFileSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { checkpointKey } from "../../../src/launch/checkpoint-key.ts";
import { boot } from "../../../src/launch/index.ts";
import { acceleratorOf } from "../../../src/launch/launch.ts";
import { findCheckpoint, storeCheckpoint } from "../../../src/qemu/index.ts";

const qemu = "qemu-system-x86_64";
const directory = mkdtempSync(join(tmpdir(), "warm-start-"));
const runScript = join(directory, "run-web-vm");

beforeAll(() => {
  vi.stubEnv("XDG_CACHE_HOME", directory);
  const fakeGuest = fileURLToPath(
    new URL("../../fixtures/run-scripts/fake-guest.sh", import.meta.url),
  );
  // What QEMU does with a memory that is not one of its own.
  const script = `#!/bin/sh
case "$*" in *-incoming*) echo "${qemu}: load of migration failed: Invalid argument"; exit 1 ;; esac
exec ${fakeGuest} "$@"
`;
  writeFileSync(runScript, script);
  chmodSync(runScript, 0o755);
});

afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

const options = async () =>
  ({ name: "web", runScript, accelerator: await acceleratorOf("tcg") }) as const;

test("a checkpoint of no use is said and forgotten, and the guest boots", async () => {
  const key = await checkpointKey(await options(), qemu);
  await storeCheckpoint({ key, name: "web" }, async (path) => {
    await writeFile(join(path, "saved.json"), `{ "state": { "images": {} }, "consoleText": "" }`);
    await writeFile(join(path, "memory"), "no memory");
    await writeFile(join(path, "disk.qcow2"), "no disk");
  });
  const before = runDirectories();
  const notices: string[] = [];
  const onNotice = (notice: string): void => void notices.push(notice);
  await using machine = await boot(
    { name: "web", runScript },
    { start: "warm", accelerator: "tcg", onNotice },
  );
  expect((await machine.run("echo here")).stdout).toBe("here\n");
  expect(notices).toEqual([
    expect.stringMatching(
      /^web: its checkpoint is of no use, and it boots: QEMU ended with exit code 1: \S+ load of migration failed: Invalid argument \(at restore, /,
    ),
  ]);
  expect(await findCheckpoint(key)).toBeUndefined();
  expect(runDirectories().filter((name) => !before.includes(name))).toHaveLength(1);
});

function runDirectories(): string[] {
  return readdirSync(tmpdir()).filter((name) => name.startsWith(`dryboot-${process.pid}-`));
}

test("whatever a guest depends on makes its checkpoint another", async () => {
  const given = await options();
  const kvm = { ...given.accelerator, qemuArguments: ["-machine", "accel=kvm"] };
  const key = (more = {}): Promise<string> => checkpointKey({ ...given, ...more }, qemu);
  const first = await key();
  expect(await key()).toBe(first);
  const keys = new Set([
    first,
    await key({ memoryMiB: 700 }),
    await key({ cores: 2 }),
    await key({ network: "open" }),
    await key({ kernelParameters: ["quiet"] }),
    await key({ accelerator: kvm }),
    await key({ name: "db" }),
    await key({ runScript: "/bin/sh" }),
  ]);
  vi.stubEnv("QEMU_OPTS", "-s");
  keys.add(await key());
  vi.stubEnv("QEMU_OPTS", undefined);
  utimesSync(runScript, 1, 1);
  keys.add(await key());
  expect(keys.size).toBe(10);
});
