import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import {
  findCheckpoint,
  forgetCheckpoint,
  listCheckpoints,
  storeCheckpoint,
} from "../../../src/qemu/checkpoint-cache.ts";

let directory = "";

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "dryboot-checkpoints-"));
});

afterEach(() => rmSync(directory, { recursive: true }));

function store(key: string, { bytes = 10, maxBytes = 1000 } = {}): Promise<void> {
  const fill = (path: string): Promise<void> =>
    writeFile(join(path, "memory"), Buffer.alloc(bytes));
  return storeCheckpoint({ key, name: `machine-${key}` }, fill, { directory, maxBytes });
}

/** As if nobody had used it for so long. */
function age(name: string, seconds: number): void {
  const then = Date.now() / 1000 - seconds;
  utimesSync(join(directory, name), then, then);
}

const keys = async (): Promise<string[]> =>
  (await listCheckpoints({ directory })).map(({ key }) => key);

test("what was stored is found, listed with its size, and forgotten", async () => {
  await store("a");
  expect(await findCheckpoint("a", { directory })).toBe(join(directory, "a"));
  expect(await findCheckpoint("b", { directory })).toBeUndefined();
  const [listed] = await listCheckpoints({ directory });
  expect(listed).toMatchObject({ key: "a", name: "machine-a", directory: join(directory, "a") });
  expect(listed?.bytes).toBe(10 + "machine-a".length);
  await forgetCheckpoint("a", { directory });
  expect(await keys()).toEqual([]);
});

test("nobody lists anything where nothing was ever stored", async () => {
  expect(await listCheckpoints({ directory: join(directory, "none") })).toEqual([]);
});

test("what was used longest ago goes first when there is no more room", async () => {
  await store("a", { bytes: 400 });
  await store("b", { bytes: 400 });
  age("a", 200);
  age("b", 100);
  await findCheckpoint("a", { directory });
  await store("c", { bytes: 400 });
  expect((await keys()).toSorted()).toEqual(["a", "c"]);
});

test("what nobody has used for weeks goes with the next that is stored", async () => {
  await store("a");
  age("a", 15 * 24 * 3600);
  await store("b");
  expect(await keys()).toEqual(["b"]);
});

test("a checkpoint that could not be written whole is not there, and leaves nothing", async () => {
  const failing = storeCheckpoint(
    { key: "a", name: "web" },
    async (path) => {
      await writeFile(join(path, "memory"), "half");
      throw new Error("no space left");
    },
    { directory },
  );
  await expect(failing).rejects.toThrow("no space left");
  expect(readdirSync(directory)).toEqual([]);
});

const fill = (text: string) => (path: string) => writeFile(join(path, "memory"), text);

test("one that replaces another is whole before the other goes", async () => {
  await storeCheckpoint({ key: "a", name: "web" }, fill("first"), { directory });
  const lost = (): Promise<void> => Promise.reject(new Error("no space left"));
  const replacing = storeCheckpoint({ key: "a", name: "web" }, lost, { directory, replaces: true });
  await expect(replacing).rejects.toThrow("no space left");
  expect(readFileSync(join(directory, "a", "memory"), "utf8")).toBe("first");
  await storeCheckpoint({ key: "a", name: "web" }, fill("second"), { directory, replaces: true });
  expect(readFileSync(join(directory, "a", "memory"), "utf8")).toBe("second");
  expect(readdirSync(directory)).toEqual(["a"]);
});

test("of two that store the same one is kept, and both are content", async () => {
  await storeCheckpoint({ key: "a", name: "web" }, fill("first"), { directory });
  await storeCheckpoint({ key: "a", name: "web" }, fill("second"), { directory });
  expect(readFileSync(join(directory, "a", "memory"), "utf8")).toBe("first");
  expect(readdirSync(directory)).toEqual(["a"]);
});

test("what a killed process has left of one goes, and what is being written stays", async () => {
  for (const name of ["dead.draft", "busy.draft"]) {
    mkdirSync(join(directory, name));
    writeFileSync(join(directory, name, "memory"), "half");
  }
  age("dead.draft", 3600);
  await store("a");
  expect(readdirSync(directory).toSorted()).toEqual(["a", "busy.draft"]);
  expect(await keys()).toEqual(["a"]);
});

test("nobody else reads a guest's memory", async () => {
  await storeCheckpoint({ key: "a", name: "web" }, async () => {}, {
    directory: join(directory, "new"),
  });
  expect(statSync(join(directory, "new", "a")).mode & 0o077).toBe(0);
});
