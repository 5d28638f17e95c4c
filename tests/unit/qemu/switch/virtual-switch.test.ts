// Programs that hold the other ends of the switch's sockets stand in for QEMU: they speak what `-netdev stream` does.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { createConnection, type Socket } from "node:net";
import { once } from "node:events";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test as base, vi } from "vitest";
import { virtualSwitch, type VirtualSwitch } from "../../../../src/qemu/index.ts";

interface Card {
  readonly socket: Socket;
  readonly received: string[];
  send(target: string, text: string): void;
}

interface Wiring {
  readonly directory: string;
  readonly network: VirtualSwitch;
  /** Plugs a card in, whose address ends with its number. */
  connect(number: number): Promise<Card>;
}

const test = base.extend<{ wiring: Wiring }>({
  // oxlint-disable-next-line no-empty-pattern -- vitest reads the parameter's names
  wiring: async ({}, use) => {
    const directory = mkdtempSync(join(tmpdir(), "switch-"));
    const network = virtualSwitch();
    const sockets: Socket[] = [];
    await use({
      directory,
      network,
      async connect(number) {
        const path = join(directory, String(number));
        await network.plug(addressOf(number), path);
        const socket = createConnection(path);
        sockets.push(socket);
        await once(socket, "connect");
        return cardOn(socket, addressOf(number));
      },
    });
    for (const socket of sockets) socket.destroy();
    await network[Symbol.asyncDispose]();
    rmSync(directory, { recursive: true });
  },
});

const everybody = "ffffffffffff";

const addressOf = (number: number): string => `02000000000${number}`;

function frame(target: string, source: string, text: string): Buffer {
  return Buffer.concat([Buffer.from(`${target}${source}0800`, "hex"), Buffer.from(text)]);
}

function withLength(bytes: Uint8Array): Buffer {
  const length = Buffer.alloc(4);
  length.writeUInt32BE(bytes.length);
  return Buffer.concat([length, bytes]);
}

function cardOn(socket: Socket, address: string): Card {
  const received: string[] = [];
  let bytes = Buffer.alloc(0);
  socket.on("data", (chunk: Buffer) => {
    bytes = Buffer.concat([bytes, chunk]);
    while (bytes.length >= 4 && bytes.length >= 4 + bytes.readUInt32BE()) {
      const end = 4 + bytes.readUInt32BE();
      received.push(bytes.toString("latin1", 4 + 14, end));
      bytes = bytes.subarray(end);
    }
  });
  socket.on("error", () => {});
  const send = (target: string, text: string): void =>
    void socket.write(withLength(frame(target, address, text)));
  return { socket, received, send };
}

/** Frames keep their order, so that what was sent before this one has arrived too, or never will. */
async function allHaveHeard(speaker: Card, listeners: readonly Card[]): Promise<void> {
  const word = `heard ${Math.random()}`;
  speaker.send(everybody, word);
  await vi.waitFor(() => {
    for (const { received } of listeners) expect(received).toContain(word);
  }, 30_000);
  for (const { received } of listeners) received.splice(received.indexOf(word), 1);
}

test("a frame reaches whom it is for, once the switch knows where that is", async ({ wiring }) => {
  const [one, two, three] = [
    await wiring.connect(1),
    await wiring.connect(2),
    await wiring.connect(3),
  ];

  one.send(addressOf(2), "to somebody unknown");
  await allHaveHeard(one, [two, three]);
  expect(two.received).toEqual(["to somebody unknown"]);
  expect(three.received).toEqual(["to somebody unknown"]);

  two.send(everybody, "here I am");
  await allHaveHeard(two, [one, three]);
  one.send(addressOf(2), "to you alone");
  await allHaveHeard(one, [two, three]);
  expect(two.received.at(-1)).toBe("to you alone");
  expect(three.received.at(-1)).toBe("here I am");
});

test("frames that arrive in pieces are whole again", async ({ wiring }) => {
  const [one, two] = [await wiring.connect(1), await wiring.connect(2)];
  const bytes = Buffer.concat(
    ["a", "b".repeat(3000), "c"].map((text) => withLength(frame(everybody, addressOf(1), text))),
  );
  one.socket.setNoDelay();
  for (const from of [0, 1, 5, 40, 2000]) {
    const to = [1, 5, 40, 2000, bytes.length].find((each) => each > from);
    one.socket.write(bytes.subarray(from, to));
    await new Promise(setImmediate);
  }
  await vi.waitFor(() => expect(two.received).toEqual(["a", "b".repeat(3000), "c"]), 30_000);
});

test("a partition lets nothing through, and those in no group are together", async ({ wiring }) => {
  const [one, two, three] = [
    await wiring.connect(1),
    await wiring.connect(2),
    await wiring.connect(3),
  ];
  wiring.network.partition([[addressOf(1)]]);
  one.send(everybody, "is anybody there?");
  two.send(everybody, "we are");
  await allHaveHeard(two, [three]);
  wiring.network.partition([]);
  await allHaveHeard(one, [two, three]);

  expect(one.received).toEqual([]);
  expect(two.received).toEqual([]);
  expect(three.received).toEqual(["we are"]);
});

test("a delay keeps the order, and a loss of 1 loses all", async ({ wiring }) => {
  const [one, two] = [await wiring.connect(1), await wiring.connect(2)];
  wiring.network.setConditions({ delayMs: 150 });
  const sentAtMs = performance.now();
  for (const text of ["first", "second", "third"]) one.send(everybody, text);
  await vi.waitFor(() => expect(two.received).toEqual(["first", "second", "third"]));
  expect(performance.now() - sentAtMs).toBeGreaterThan(149);

  wiring.network.setConditions({ loss: 1 });
  one.send(everybody, "lost");
  wiring.network.setConditions({ loss: 1 });
  await vi.waitFor(() => expect(one.socket.writableLength).toBe(0));
  two.send(addressOf(1), "lost too");
  await new Promise((resolve) => setTimeout(resolve, 50));
  wiring.network.setConditions({});
  await allHaveHeard(one, [two]);
  expect(two.received).toEqual(["first", "second", "third"]);
  expect(one.received).toEqual([]);
});

test("a stream that holds no frames ends its own port alone", async ({ wiring }) => {
  const [one, two, three] = [
    await wiring.connect(1),
    await wiring.connect(2),
    await wiring.connect(3),
  ];
  one.socket.write(Buffer.alloc(64, 0xff));
  await once(one.socket, "close");
  two.socket.write(withLength(Buffer.from("too short")));
  await allHaveHeard(two, [three]);
  expect(three.received).toEqual([]);
});

test("a guest that claims every address hides nobody for long", async ({ wiring }) => {
  const [one, two] = [await wiring.connect(1), await wiring.connect(2)];
  await allHaveHeard(two, [one]);
  for (let number = 0; number < 10_000; number += 1) {
    const claimed = `02ff${number.toString(16).padStart(8, "0")}`;
    one.socket.write(withLength(frame(everybody, claimed, "")));
  }
  await allHaveHeard(one, [two]);
  two.received.length = 0;
  one.send(addressOf(2), "still there?");
  await vi.waitFor(() => expect(two.received).toEqual(["still there?"]));
});

test("a guest that does not read loses frames, and nobody else does", async ({ wiring }) => {
  const [one, two, three] = [
    await wiring.connect(1),
    await wiring.connect(2),
    await wiring.connect(3),
  ];
  two.socket.pause();
  const text = "x".repeat(60_000);
  for (let round = 0; round < 20; round += 1) {
    for (let number = 0; number < 10; number += 1) one.send(everybody, text);
    await allHaveHeard(one, [three]);
  }
  two.socket.resume();
  await vi.waitFor(() => {
    one.send(everybody, "the end");
    expect(two.received).toContain("the end");
  });

  expect(three.received).toHaveLength(
    200 + three.received.filter((each) => each === "the end").length,
  );
  // What the switch keeps for it, and the host's kernel: 12 MB were sent.
  expect(two.received.filter((each) => each === text).length).toBeLessThan(100);
});

test("a guest that starts again has its place on the switch", async ({ wiring }) => {
  const [one, two] = [await wiring.connect(1), await wiring.connect(2)];
  await wiring.network.plug(addressOf(1), join(wiring.directory, "1"));
  two.socket.destroy();
  await once(two.socket, "close");
  const again = await wiring.connect(2);
  await allHaveHeard(one, [again]);
});

test("a capture is a file of all frames, in the format of pcap", async ({ wiring }) => {
  const [one, two] = [await wiring.connect(1), await wiring.connect(2)];
  const file = join(wiring.directory, "frames.pcap");
  wiring.network.setConditions({ loss: 1 });
  const capture = await wiring.network.capture(file);
  one.send(everybody, "hello");
  two.send(addressOf(1), "good day");
  await vi.waitFor(() => expect(readFileSync(file).length).toBeGreaterThan(24 + 2 * 16 + 40));
  await capture[Symbol.asyncDispose]();

  const bytes = readFileSync(file);
  expect(bytes.readUInt32LE(0)).toBe(0xa1b2c3d4);
  expect(bytes.readUInt32LE(20)).toBe(1);
  const length = bytes.readUInt32LE(24 + 8);
  expect(bytes.readUInt32LE(24 + 12)).toBe(length);
  const first = bytes.subarray(24 + 16, 24 + 16 + length);
  expect([
    frame(everybody, addressOf(1), "hello"),
    frame(addressOf(1), addressOf(2), "good day"),
  ]).toContainEqual(Buffer.from(first));
  expect(bytes.readUInt32LE(24)).toBeCloseTo(Date.now() / 1000, -2);
  await expect(wiring.network.capture(join(wiring.directory, "not/there.pcap"))).rejects.toThrow(
    "ENOENT",
  );
});
