import { spawn } from "node:child_process";
import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { isAlive, startTimeOf } from "../../../src/process-group.ts";
import { createRunDirectory, sweepRunDirectories } from "../../../src/qemu/index.ts";
import { ownerLine } from "../../../src/qemu/owner.ts";

let parent: string;
beforeEach(() => {
  parent = mkdtempSync(join(tmpdir(), "dryboot-sweep-test-"));
  vi.stubEnv("TMPDIR", parent);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(parent, { recursive: true });
});

/** A process id that is this test's own, but of a process that started at another time. */
const deadOwner = ownerLine().replace(` ${startTimeOf(process.pid)} `, " 1 ");

function abandon(name: string, owner: string): string {
  const path = join(parent, name);
  mkdirSync(path);
  writeFileSync(join(path, "owner"), owner);
  return path;
}

test("a sweep takes the directories of the dead and leaves those of the living", async () => {
  await using living = await createRunDirectory();
  const dead = abandon("dryboot-1-dead-aaaaaa", deadOwner);
  mkdirSync(join(parent, "dryboot-2-somebody-elses"));
  expect(await sweepRunDirectories(parent)).toEqual([dead]);
  expect(existsSync(dead)).toBe(false);
  expect(existsSync(living.path)).toBe(true);
});

test("a sweep ends what still runs for a dead dryboot", async () => {
  const path = abandon("dryboot-1-dead-aaaaaa", deadOwner);
  const env = { ...process.env, DRYBOOT_RUN_DIRECTORY: path };
  const child = spawn("sleep", ["1000"], { detached: true, stdio: "ignore", env });
  const group = { leader: child.pid ?? expect.fail("sleep did not start") };
  await vi.waitFor(() =>
    expect(readFileSync(`/proc/${group.leader}/environ`, "utf8")).toContain(path),
  );
  expect(await sweepRunDirectories(parent)).toEqual([path]);
  expect(isAlive(group)).toBe(false);
});

test("no sweep takes a kept directory", async () => {
  const path = abandon("dryboot-1-kept-aaaaaa", deadOwner);
  writeFileSync(join(path, "kept"), "");
  expect(await sweepRunDirectories(parent)).toEqual([]);
  expect(existsSync(path)).toBe(true);
});

test("the directory of another host or container is taken when a day has passed without a write", async () => {
  const path = abandon("dryboot-1-far-aaaaaa", "1 23456 elsewhere/pid:[1] of-another-boot\n");
  expect(await sweepRunDirectories(parent)).toEqual([]);
  const lastWeek = Date.now() / 1000 - 7 * 86_400;
  utimesSync(join(path, "owner"), lastWeek, lastWeek);
  expect(await sweepRunDirectories(parent)).toEqual([path]);
});
