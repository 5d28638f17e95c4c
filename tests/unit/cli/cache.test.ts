import { mkdtempSync, rmSync } from "node:fs";
import { writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { checkpointDirectory, storeCheckpoint } from "../../../src/qemu/index.ts";
import { runCli, type Captured } from "../../fixtures/captured-io.ts";

let environment: Readonly<Record<string, string>>;

beforeEach(() => {
  environment = { XDG_CACHE_HOME: mkdtempSync(join(tmpdir(), "dryboot-cache-")) };
});

afterEach(() => rmSync(environment["XDG_CACHE_HOME"] ?? "", { recursive: true }));

async function store(name: string): Promise<void> {
  const fill = (path: string): Promise<void> =>
    writeFile(join(path, "memory"), Buffer.alloc(2_500_000));
  await storeCheckpoint({ key: `key-of-${name}`, name }, fill, {
    directory: checkpointDirectory(environment),
  });
}

const dryboot = (...argv: readonly string[]): Promise<Captured> => runCli(argv, { environment });

test("checkpoints are listed with their sizes, and removed by the names of their machines", async () => {
  await store("web");
  await store("db");
  const listed = await dryboot("cache");
  expect(listed.stdout).toMatch(/^(?:(?:web|db) +3 MB +used \d{4}-\d\d-\d\d \d\d:\d\d UTC\n){2}$/);
  expect(listed.stderr).toContain(`6 MB in ${environment["XDG_CACHE_HOME"]}`);

  const removed = await dryboot("cache", "web", "--remove");
  expect(removed).toMatchObject({ exitCode: 0, stderr: "removed: 3 MB\n" });
  expect((await dryboot("cache", "--quiet")).stdout).toMatch(/^db +3 MB .*\n$/);
});

test("as JSON each checkpoint is an object", async () => {
  await store("web");
  const { stdout } = await dryboot("cache", "--json", "--remove");
  expect(JSON.parse(stdout)).toMatchObject({ name: "web", bytes: 2_500_003, removed: true });
  expect((await dryboot("cache", "--json")).stdout).toBe("");
});

test("a machine of which there is none ends with 2, and removes nothing", async () => {
  await store("web");
  const { exitCode, stderr } = await dryboot("cache", "wbe", "web", "--remove");
  expect({ exitCode, stderr }).toEqual({
    exitCode: 2,
    stderr: "error: there is no checkpoint of a machine «wbe»\nnext: Did you mean web?\n",
  });
  expect((await dryboot("cache", "--json")).stdout).toContain('"name":"web"');
});
