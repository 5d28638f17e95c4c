import { spawn, type ChildProcess } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { inflateSync } from "node:zlib";
import { afterAll, afterEach, beforeAll, expect, test } from "vitest";
import { Deadline } from "../../../src/deadline.ts";
import { forwardPort, setLinks, unplugCard } from "../../../src/qemu/qmp-network.ts";
import { pressKeys, takeScreenshot } from "../../../src/qemu/qmp-screen.ts";
import { connectQmp, QmpError, type Qmp } from "../../../src/qemu/qmp.ts";

const directory = mkdtempSync(join(tmpdir(), "dryboot-qmp-test-"));
const soon = (): Deadline => Deadline.after(10_000);
const processes: ChildProcess[] = [];

/** A QEMU that runs no guest: its processor stays stopped. */
async function startQemu(name: string, args: readonly string[]): Promise<[ChildProcess, Qmp]> {
  const socket = join(directory, name);
  const qemu = spawn(
    "qemu-system-x86_64",
    ["-nodefaults", "-display", "none", "-S", "-qmp", `unix:${socket},server=on,wait=off`, ...args],
    { stdio: ["ignore", "ignore", "inherit"] },
  );
  processes.push(qemu);
  return [qemu, await connectQmp(socket, soon())];
}

afterAll(() => rmSync(directory, { recursive: true }));

/** A monitor that only a test can have: it says one of these at each command. */
async function scriptedMonitor(name: string, ...answers: string[]): Promise<string> {
  const path = join(directory, name);
  const server = createServer((socket) => {
    socket.write('{"QMP": {}}\r\n');
    socket.on("data", () => socket.write(`${answers.shift() ?? ""}\r\n`));
  });
  server.unref().listen(path);
  await once(server, "listening");
  return path;
}

test("a monitor that falls silent costs one deadline and no more", async () => {
  const greeting = 'not JSON\r\n{"id": 99, "return": 1}\r\n{"id": 1, "return": {}}';
  using qmp = await connectQmp(await scriptedMonitor("silent", greeting), soon());
  await expect(qmp.execute("stop", { deadline: Deadline.after(50) })).rejects.toThrow(
    "QEMU's monitor did not answer to stop",
  );
  expect(await qmp.event(() => true, Deadline.after(20))).toBeUndefined();
});

test("an answer that comes too late is not taken for that of another command", async () => {
  const path = await scriptedMonitor(
    "late",
    '{"id": 1, "return": {}}',
    "",
    '{"id": 2, "return": 2}\r\n{"id": 3, "return": 3}',
  );
  using qmp = await connectQmp(path, soon());
  await expect(qmp.execute("stop", { deadline: Deadline.after(50) })).rejects.toThrow("not answer");
  expect(await qmp.execute("query-status", { deadline: soon() })).toBe(3);
});

test("a card that QEMU tells of together with its backend is gone", async () => {
  const deleted = (device: object): string =>
    JSON.stringify({ event: "DEVICE_DELETED", data: { path: "/machine", ...device } });
  const path = await scriptedMonitor(
    "unplugged",
    '{"id": 1, "return": {}}',
    `${deleted({})}\r\n${deleted({ device: "lan-card" })}\r\n{"id": 2, "return": {}}`,
    '{"id": 3, "return": {}}',
  );
  using qmp = await connectQmp(path, soon());
  await unplugCard(qmp, "lan", Deadline.after(1000));
});

test("who cannot tell whether an event is wanted hears of it, and nobody else", async () => {
  const stop = '{"event": "STOP"}\r\n{"id": 2, "return": {}}';
  using qmp = await connectQmp(
    await scriptedMonitor("thrown", '{"id": 1, "return": {}}', stop),
    soon(),
  );
  const thrown = qmp.event(() => {
    throw new Error("no data");
  }, soon());
  const told = expect(thrown).rejects.toThrow("no data");
  await qmp.execute("stop", { deadline: soon() });
  await told;
});

test("a monitor that never comes is given up at the deadline, or when QEMU has ended", async () => {
  const nowhere = join(directory, "nowhere");
  await expect(connectQmp(nowhere, Deadline.after(20))).rejects.toBeInstanceOf(QmpError);
  const until = Promise.resolve();
  await expect(connectQmp(nowhere, soon(), { until })).rejects.toBeInstanceOf(QmpError);
});

test("the death of QEMU ends every wait, and later ones at once", async () => {
  const [qemu, qmp] = await startQemu("killed", ["-machine", "none"]);
  const forever = Deadline.after(3_600_000);
  const waits = [qmp.event(() => true, forever), qmp.event(() => false, forever)];
  qemu.kill("SIGKILL");
  for (const outcome of await Promise.allSettled(waits)) {
    expect(outcome).toMatchObject({ status: "rejected", reason: { name: "QmpError" } });
  }
  await expect(qmp.execute("query-status", { deadline: forever })).rejects.toThrow("closed");
});

let qmp: Qmp;
beforeAll(async () => {
  [, qmp] = await startQemu("monitor", [
    ..."-machine pc -m 16 -device VGA -device pvpanic".split(" "),
    ..."-netdev user,id=user.0,restrict=on -device virtio-net-pci,netdev=user.0,id=card".split(" "),
  ]);
});
afterAll(async () => {
  qmp[Symbol.dispose]();
  for (const one of processes) one.kill("SIGKILL");
});
afterEach(() => qmp.execute("stop", { deadline: soon() }));

test("commands answer with their value, refusals with QEMU's words", async () => {
  expect(await qmp.execute("query-status", { deadline: soon() })).toMatchObject({ running: false });
  await expect(qmp.execute("no-such-command", { deadline: soon() })).rejects.toThrow(
    "The command no-such-command has not been found",
  );
});

test("events reach who waits for one and who listens to all", async () => {
  const heard: string[] = [];
  const stop = qmp.onEvent(({ name }) => heard.push(name));
  const reset = qmp.event(({ name }) => name === "RESET", soon());
  await qmp.execute("system_reset", { deadline: soon() });
  expect(await reset).toMatchObject({ name: "RESET", data: { guest: false } });
  stop();
  await qmp.execute("cont", { deadline: soon() });
  expect(heard).toEqual(["RESET"]);
});

test("a screenshot is a PNG as large as the display", async () => {
  const png = Buffer.from(
    await takeScreenshot(qmp, { file: join(directory, "screen"), deadline: soon() }),
  );
  expect(png.subarray(1, 4).toString()).toBe("PNG");
  const [width, height] = [png.readUInt32BE(16), png.readUInt32BE(20)];
  expect(width * height).toBeGreaterThan(0);
  const dataBytes = png.readUInt32BE(33);
  const pixels = inflateSync(png.subarray(41, 41 + dataBytes));
  expect(pixels).toHaveLength(height * (width * 3 + 1));
});

test("keys are pressed together, and unknown ones refused", async () => {
  await pressKeys(qmp, "ctrl-alt-delete", soon());
  await expect(pressKeys(qmp, "ctrl-hyper", soon())).rejects.toBeInstanceOf(QmpError);
});

/** A QEMU that lists its forwards from the oldest to the newest: nobody says in which order they come. */
const oldestFirst = (): Qmp => ({
  ...qmp,
  execute: async (command, options) => {
    const answer = await qmp.execute(command, options);
    return options.arguments?.["command-line"] === "info usernet"
      ? String(answer).split("\n").toReversed().join("\n")
      : answer;
  },
});

test("a port is forwarded to a free one of the host, another each time, also at once", async () => {
  const reversed = oldestFirst();
  const ports = [
    ...(await Promise.all([80, 80, 443].map((port) => forwardPort(qmp, port, soon())))),
    await forwardPort(reversed, 80, soon()),
    await forwardPort(reversed, 443, soon()),
  ];
  expect(new Set(ports).size).toBe(5);
  for (const port of ports) expect(port).toBeGreaterThan(1023);
  await expect(forwardPort(qmp, 70_000, soon())).rejects.toThrow("Bad guest port");
  expect(ports).not.toContain(await forwardPort(qmp, 80, soon()));
});

test("every network card of the guest loses its link, by the name that QEMU knows it by", async () => {
  const told: unknown[] = [];
  const watched: Qmp = {
    ...qmp,
    execute: (command, options) => {
      if (command === "set_link") told.push(options.arguments);
      return qmp.execute(command, options);
    },
  };
  await setLinks(watched, false, soon());
  await setLinks(watched, true, soon());
  expect(told).toEqual([
    { name: "card", up: false },
    { name: "card", up: true },
  ]);
});

test("a monitor that resets the connection ends the wait, and nothing else", async () => {
  const path = join(directory, "reset");
  // Closing with something unread resets it.
  const server = createServer({ pauseOnConnect: true }, (socket) => {
    setTimeout(() => socket.destroy(), 100);
  });
  await once(server.listen(path), "listening");
  const qmp = await connectQmp(path, soon()).catch((error: unknown) => error);
  expect(qmp).toBeInstanceOf(QmpError);
  server.close();
});
