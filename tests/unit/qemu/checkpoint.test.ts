import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdirSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { connect } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { setTimeout } from "node:timers/promises";
import { execa } from "execa";
import { afterAll, expect, test } from "vitest";
import { Deadline } from "../../../src/deadline.ts";
import {
  restoreArguments,
  loadState,
  requireSavable,
  restoreDisk,
  resumeState,
  saveState,
} from "../../../src/qemu/checkpoint.ts";
import { connectQmp, QmpError, type Qmp } from "../../../src/qemu/qmp.ts";

const directory = mkdtempSync(join(tmpdir(), "dryboot checkpoint-"));
const soon = (): Deadline => Deadline.after(10_000);
const processes: ChildProcess[] = [];

afterAll(() => {
  for (const qemu of processes) qemu.kill("SIGKILL");
  rmSync(directory, { recursive: true });
});

interface Place {
  readonly path: string;
  readonly diskImage: string;
}

let places = 0;

function createPlace(): Place {
  places += 1;
  const path = join(directory, `run ${places}`);
  mkdirSync(path);
  const diskImage = join(path, "disk.qcow2");
  writeFileSync(diskImage, Buffer.alloc(4096, places));
  writeFileSync(join(path, "store.img"), "the closure");
  return { path, diskImage };
}

/** A QEMU whose firmware runs, and no guest. */
async function startQemu(
  { path, diskImage }: Place,
  args: readonly string[] = [],
): Promise<{ readonly qemu: ChildProcess; readonly qmp: Qmp }> {
  const socket = join(path, "qmp");
  const drive = (file: string, more = ""): string[] => [
    "-drive",
    `if=virtio,format=raw,file=${file}${more}`,
  ];
  const qemu = spawn(
    "qemu-system-x86_64",
    [
      ..."-nodefaults -display none -m 16 -machine pc,accel=tcg -qmp".split(" "),
      `unix:${socket},server=on,wait=off`,
      ...drive(diskImage),
      ...drive(join(path, "store.img"), ",readonly=on"),
      ...args,
    ],
    { cwd: path, stdio: ["ignore", "ignore", "pipe"] },
  );
  processes.push(qemu);
  return { qemu, qmp: await connectQmp(socket, soon(), { until: once(qemu, "exit") }) };
}

const status = async (qmp: Qmp): Promise<unknown> =>
  qmp.execute("query-status", { deadline: soon() });

test("a guest that is saved runs on, and goes on elsewhere on the disk that it had", async () => {
  const place = createPlace();
  const saved = join(directory, "it's saved");
  const { qmp } = await startQemu(place);
  const state = await saveState(qmp, { place, directory: saved }, soon());
  expect(await status(qmp)).toMatchObject({ status: "running" });
  expect(Object.keys(state.images)).toEqual(["store.img"]);
  const bytes = readFileSync(place.diskImage);
  writeFileSync(place.diskImage, "what came later");

  const other = createPlace();
  await restoreDisk(other, saved);
  expect(readFileSync(other.diskImage)).toEqual(bytes);
  const restored = await startQemu(other, restoreArguments(saved));
  await loadState(restored.qmp, { place: other, state }, soon());
  expect(await status(restored.qmp)).toMatchObject({ status: "paused" });
  await resumeState(restored.qmp, { devices: [] }, soon());
  expect(await status(restored.qmp)).toMatchObject({ status: "running" });
});

test("a guest goes on when QEMU has taken the connections to its ports, and not before", async () => {
  const place = createPlace();
  const saved = join(directory, "with-port");
  const port = (path: string): string[] => [
    "-chardev",
    `socket,id=port,path=${join(path, "port")},server=on,wait=off`,
    ..."-device virtio-serial-pci -device virtserialport,chardev=port".split(" "),
  ];
  const { qmp } = await startQemu(place, port(place.path));
  const state = await saveState(qmp, { place, directory: saved }, soon());

  const other = createPlace();
  await restoreDisk(other, saved);
  const restored = await startQemu(other, [...port(other.path), ...restoreArguments(saved)]);
  await loadState(restored.qmp, { place: other, state }, soon());
  const resumed = resumeState(restored.qmp, { devices: ["port"] }, soon());
  await setTimeout(100);
  expect(await status(restored.qmp)).toMatchObject({ status: "paused" });
  const socket = connect(join(other.path, "port"));
  await resumed;
  expect(await status(restored.qmp)).toMatchObject({ status: "running" });
  socket.destroy();
});

test("a guest goes on nowhere where an image of its run script is another", async () => {
  const place = createPlace();
  const saved = join(directory, "other-image");
  const { qmp } = await startQemu(place);
  const state = await saveState(qmp, { place, directory: saved }, soon());

  const other = createPlace();
  writeFileSync(join(other.path, "store.img"), "another closure");
  const restored = await startQemu(other, restoreArguments(saved));
  await expect(loadState(restored.qmp, { place: other, state }, soon())).rejects.toThrow(
    "store.img is not what it was when it was saved",
  );
  expect(await status(restored.qmp)).toMatchObject({ status: "paused" });
});

test("a guest that writes to a second disk is not saved, and is not stopped for it", async () => {
  const place = createPlace();
  writeFileSync(join(place.path, "empty0.qcow2"), Buffer.alloc(512));
  const second = ["-drive", "if=virtio,format=raw,file=empty0.qcow2"];
  const { qmp } = await startQemu(place, second);
  const events: string[] = [];
  qmp.onEvent(({ name }) => events.push(name));
  const saving = saveState(qmp, { place, directory: join(directory, "never") }, soon());
  await expect(saving).rejects.toThrow("it also writes to empty0.qcow2");
  expect(events).not.toContain("STOP");
});

test("that QEMU will refuse is known before", async () => {
  const place = createPlace();
  const image = join(place.path, "old.vdi");
  await execa("qemu-img", ["create", "-q", "-f", "vdi", image, "1M"]);
  const { qmp } = await startQemu(place, ["-drive", `if=virtio,readonly=on,file=${image}`]);
  await expect(requireSavable(qmp, place, soon())).rejects.toThrow("The vdi format used by node");
  const plain = createPlace();
  await requireSavable((await startQemu(plain)).qmp, plain, soon());
});

test("a guest whose memory cannot be written runs on", async () => {
  const place = createPlace();
  const saved = join(directory, "no-room");
  mkdirSync(join(saved, "memory"), { recursive: true });
  const { qmp } = await startQemu(place);
  await expect(saveState(qmp, { place, directory: saved }, soon())).rejects.toThrow();
  expect(await status(qmp)).toMatchObject({ status: "running" });
});

test("a memory that was cut ends QEMU, and nobody waits for it", async () => {
  const place = createPlace();
  const saved = join(directory, "cut");
  const { qmp } = await startQemu(place);
  const state = await saveState(qmp, { place, directory: saved }, soon());
  const memory = readFileSync(join(saved, "memory"));
  writeFileSync(join(saved, "memory"), memory.subarray(0, memory.length / 2));

  const other = createPlace();
  // QEMU may be gone before it has opened its monitor.
  const loading = startQemu(other, restoreArguments(saved)).then(({ qmp: monitor }) =>
    loadState(monitor, { place: other, state }, soon()),
  );
  await expect(loading).rejects.toThrow(QmpError);
  await expect.poll(() => processes.at(-1)?.exitCode).toBeGreaterThan(0);
});
