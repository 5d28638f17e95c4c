import { existsSync, mkdirSync, mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { UsageError } from "../../../src/errors.ts";
import type { SavedGuest } from "../../../src/machine/checkpoint.ts";
import { Forks } from "../../../src/machine/fork.ts";
import type { RunningGuest, StartOptions } from "../../../src/machine/guest.ts";

let checkpoints: string;
beforeEach(() => {
  checkpoints = mkdtempSync(join(tmpdir(), "forks-"));
});
afterEach(() => rmSync(checkpoints, { recursive: true }));

const forksOfWeb = (): Forks => {
  const options = {
    name: "web",
    runScript: "/nix/store/vm/bin/run-web-vm",
    accelerator: { name: "tcg", timeoutScale: 4 },
    timeoutMs: 300_000,
    restoreTimeoutMs: 60_000,
  };
  // What forks read of a guest.
  return new Forks({ options, directory: { checkpoints } } as unknown as RunningGuest);
};

const save = async (directory: string): Promise<SavedGuest> => {
  mkdirSync(directory);
  return { directory, state: { images: {} } };
};

const ended: string[] = [];
const fork = (name: string): AsyncDisposable & { readonly name: string } => ({
  name,
  [Symbol.asyncDispose]: async () => void ended.push(name),
});

test("all forks go on from one saved moment, which is gone when they have", async () => {
  const seen: StartOptions[] = [];
  const started = await forksOfWeb().start(2, {
    save,
    start: async (options) => {
      expect(existsSync(options.restores?.directory ?? "")).toBe(true);
      seen.push(options);
      return fork(options.name);
    },
  });
  expect(started.map(({ name }) => name)).toEqual(["web-fork1", "web-fork2"]);
  expect(seen[0]?.restores).toBe(seen[1]?.restores);
  expect(readdirSync(checkpoints)).toEqual([]);
});

test("a fork has the options of its guest, but for how long that was given to be restored", async () => {
  await forksOfWeb().start(1, {
    save,
    start: async ({ restoreTimeoutMs, timeoutMs, runScript, name }) => {
      expect(restoreTimeoutMs).toBeUndefined();
      expect(timeoutMs).toBe(300_000);
      expect(runScript).toBe("/nix/store/vm/bin/run-web-vm");
      return fork(name);
    },
  });
});

test("later forks have other names", async () => {
  const forks = forksOfWeb();
  const start = async ({ name }: StartOptions) => fork(name);
  await forks.start(1, { save, start });
  const [second] = await forks.start(1, { save, start });
  expect(second?.name).toBe("web-fork2");
});

test("where one does not start none is left", async () => {
  ended.length = 0;
  const start = async ({ name }: StartOptions) => {
    if (name === "web-fork2") throw new Error(`${name} is lost`);
    return fork(name);
  };
  await expect(forksOfWeb().start(3, { save, start })).rejects.toThrow("web-fork2 is lost");
  expect(ended).toEqual(["web-fork1", "web-fork3"]);
  expect(readdirSync(checkpoints)).toEqual([]);
});

test.each([0, -1, 1.5, Number.NaN])("%s is no number of forks", async (count) => {
  const start = async ({ name }: StartOptions) => fork(name);
  await expect(forksOfWeb().start(count, { save, start })).rejects.toThrow(UsageError);
});
