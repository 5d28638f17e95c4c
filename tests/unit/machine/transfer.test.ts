import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
  readlinkSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterAll, expect, test } from "vitest";
import type { CommandRunner, TransferProgress } from "../../../src/machine/index.ts";
import { download } from "../../../src/machine/download.ts";
import { upload } from "../../../src/machine/upload.ts";
import { hostRunner } from "./host-runner.ts";

const host = hostRunner();
const directory = mkdtempSync(join(tmpdir(), "machine-transfer-"));
afterAll(() => rmSync(directory, { recursive: true }));

const bytes = Uint8Array.from({ length: 100_000 }, (_, index) => (index * 7) % 256);
const tree = join(directory, "tree");
mkdirSync(join(tree, "below", "empty"), { recursive: true });
writeFileSync(join(tree, "below", "it's a file"), bytes);
writeFileSync(join(tree, "program"), "#!/bin/sh\n");
chmodSync(join(tree, "program"), 0o755);
symlinkSync("below/it's a file", join(tree, "link"));

const isTheTree = (copy: string): void => {
  expect(new Uint8Array(readFileSync(join(copy, "below", "it's a file")))).toEqual(bytes);
  expect(statSync(join(copy, "program")).mode & 0o777).toBe(0o755);
  expect(readlinkSync(join(copy, "link"))).toBe("below/it's a file");
  expect(existsSync(join(copy, "below", "empty"))).toBe(true);
};

test.for([
  ["upload", upload],
  ["download", download],
] as const)("%s copies a tree as it is, and says how far it is", async ([name, copy]) => {
  const target = join(directory, name, "deep");
  const seen: TransferProgress[] = [];
  await copy(host, { source: tree, target }, { onProgress: (step) => seen.push(step) });
  isTheTree(target);
  expect(seen.at(-1)?.bytes).toBe(100_010);
  expect(seen.some(({ path }) => path.endsWith("it's a file"))).toBe(true);
});

test.for([
  ["upload", upload],
  ["download", download],
] as const)("%s copies a file to a path or into a directory", async ([name, copy]) => {
  const source = join(tree, "program");
  const target = join(directory, `${name}-file`, "deep", "renamed");
  await copy(host, { source, target });
  expect(readFileSync(target, "utf8")).toBe("#!/bin/sh\n");
  expect(statSync(target).mode & 0o777).toBe(0o755);
  mkdirSync(join(directory, `${name}-into`));
  await copy(host, { source, target: join(directory, `${name}-into`) });
  expect(existsSync(join(directory, `${name}-into`, "program"))).toBe(true);
});

test("what is not there is said, and leaves nothing behind", async () => {
  const target = join(directory, "never");
  await expect(upload(host, { source: "/nowhere", target })).rejects.toThrow(
    "cannot upload /nowhere: there is no such file",
  );
  await expect(download(host, { source: "/nowhere", target })).rejects.toThrow(/exit code 1/);
  expect(existsSync(target)).toBe(false);
});

/** A guest that sends this archive, whatever it is asked for. */
const sending = (archive: string): CommandRunner => ({
  ...host,
  execute: (command, options) =>
    host.execute(options?.onOutput === undefined ? command : ["cat", archive], options),
});

test("an archive that leads out of the target writes nothing there", async () => {
  const outside = join(directory, "outside");
  mkdirSync(outside);
  const archive = join(directory, "hostile.tar");
  const { stderr } = await host.execute(`
    cd ${directory} && mkdir hostile && cd hostile
    ln -s ${outside} way && tar --create --file=${archive} way
    rm way && mkdir way && echo gotcha >way/file && tar --append --file=${archive} way/file
    tar --append --absolute-names --transform='s,^,../outside/,' --file=${archive} way/file`);
  expect(stderr).toBe("");
  await expect(
    download(sending(archive), { source: tree, target: join(directory, "victim") }),
  ).rejects.toThrow(`host: cannot copy ${tree}: `);
  expect((await host.execute(["find", outside, "-type", "f"])).stdout).toBe("");
});

test("nothing of a guest becomes a program that runs as somebody else here", async () => {
  const source = join(directory, "privileged");
  mkdirSync(source);
  writeFileSync(join(source, "program"), "");
  chmodSync(join(source, "program"), 0o6755);
  await download(host, { source, target: join(directory, "unprivileged") });
  await download(host, { source: join(source, "program"), target: join(directory, "alone") });
  const modeOf = (path: string): number => statSync(join(directory, path)).mode & 0o7777;
  expect(modeOf("privileged/program")).toBe(0o6755);
  expect(modeOf("unprivileged/program")).toBe(0o755);
  expect(modeOf("alone")).toBe(0o755);
});

test("an archive that ends too early is an error", async () => {
  const archive = join(directory, "cut.tar");
  await host.execute(`tar --create --directory=${tree} . | head -c 50000 >${archive}; true`);
  await expect(
    download(sending(archive), { source: tree, target: join(directory, "cut") }),
  ).rejects.toThrow(/[Tt]runcated/);
});
