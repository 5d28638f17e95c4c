import {
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  utimesSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { cacheDirectory, writeCacheFile } from "../../src/cache-file.ts";

let directory = "";
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "cache-test-"))));
afterEach(() => rmSync(directory, { recursive: true }));

test("of many writers at once one wins as a whole, and nothing else is left", async () => {
  const file = join(directory, "below", "result.json");
  const texts = Array.from({ length: 20 }, (_, index) => `${index}`.repeat(10_000 * (index + 1)));
  await Promise.all(texts.map((text) => writeCacheFile(file, text)));
  expect(texts).toContain(readFileSync(file, "utf8"));
  expect(readdirSync(join(directory, "below"))).toEqual(["result.json"]);
});

test("a write that fails leaves no draft", async () => {
  mkdirSync(join(directory, "result.json"));
  await expect(writeCacheFile(join(directory, "result.json"), "{}")).rejects.toThrow("EISDIR");
  expect(readdirSync(directory)).toEqual(["result.json"]);
});

test("what a killed writer has left is removed, what another writes just now is not", async () => {
  for (const name of ["killed.draft", "now.draft"]) writeFileSync(join(directory, name), "");
  utimesSync(join(directory, "killed.draft"), 1, 1);
  await writeCacheFile(join(directory, "result.json"), "{}");
  expect(readdirSync(directory).toSorted()).toEqual(["now.draft", "result.json"]);
});

test.for([
  [{ XDG_CACHE_HOME: "/cache", HOME: "/home/me" }, "/cache/dryboot"],
  [{ XDG_CACHE_HOME: "", HOME: "/home/me" }, "/home/me/.cache/dryboot"],
  [{ HOME: "" }, expect.stringMatching(/^\/.+\/\.cache\/dryboot$/)],
] as const)("%o keeps its cache in %s", ([environment, expected]) => {
  expect(cacheDirectory(environment)).toEqual(expected);
});
