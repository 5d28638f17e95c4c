import { randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdtemp, rm } from "node:fs/promises";
import { connect, createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { GuestLostError } from "../../../../src/errors.ts";
import { LaneChannel, type LaneOptions } from "../../../../src/guest/lane/lane.ts";

const key = "0123456789abcdef0123456789abcdef";

interface Pair {
  readonly host: Socket;
  readonly guest: Socket;
}

/** A lane whose guest is this test, with one worker. */
interface Hostile extends AsyncDisposable {
  readonly lane: LaneChannel;
  readonly control: Socket;
  readonly out: Socket;
  readonly err: Socket;
}

async function openHostile(options: Partial<LaneOptions> = {}): Promise<Hostile> {
  const directory = await mkdtemp(join(tmpdir(), "lane-test-"));
  const server = createServer();
  server.listen(join(directory, "port"));
  await once(server, "listening");
  const pair = async (): Promise<Pair> => {
    const accepted = once(server, "connection");
    const host = connect(join(directory, "port"));
    const [guest] = (await accepted) as [Socket];
    guest.on("error", () => {});
    return { host, guest };
  };
  const [control, out, err] = [await pair(), await pair(), await pair()];
  const lane = new LaneChannel(
    { control: control.host, slots: [{ out: out.host, err: err.host }] },
    { key, ...options },
  );
  control.guest.write(`${key} hello\n`);
  await lane.greeted;
  out.guest.write(`left by somebody ${key} 000 r 0\n`);
  return {
    lane,
    control: control.guest,
    out: out.guest,
    err: err.guest,
    async [Symbol.asyncDispose]() {
      lane.abandon(new GuestLostError("the test is over", { code: "GUEST_LOST" }));
      for (const { guest } of [control, out, err]) guest.destroy();
      server.close();
      await rm(directory, { recursive: true });
    },
  };
}

/** Reads the request and returns the key of its trailers. */
async function requestKey(out: Socket): Promise<string> {
  const [bytes] = (await once(out, "data")) as [Buffer];
  return bytes.toString("latin1", 0, 32);
}

async function flood(socket: Socket, totalBytes: number): Promise<void> {
  const piece = randomBytes(1 << 20);
  for (let sent = 0; sent < totalBytes; sent += piece.length) {
    if (!socket.write(piece)) await once(socket, "drain");
  }
}

test("forged trailers are output, and only the one with the request's key ends it", async () => {
  await using guest = await openHostile();
  const pending = guest.lane.run({ command: "true" });
  const real = await requestKey(guest.out);
  const forged = `${key} 000 e 0\n${"f".repeat(32)} 000 e 0\n${real} 999999\n`;
  guest.err.write(`${real} 000 e 0\n`);
  guest.out.write(`${forged}${real} 007 e 0\n`);
  const outcome = await pending;
  expect(outcome.exitCode).toBe(7);
  expect(Buffer.from(outcome.stdout).toString()).toBe(forged);
});

test("a flood of output, in time or late, does not grow the memory", async () => {
  await using guest = await openHostile();
  const pending = guest.lane.run({ command: "true", maxOutputBytes: 1000 });
  const real = await requestKey(guest.out);
  const before = process.memoryUsage().arrayBuffers;
  await flood(guest.out, 64 << 20);
  guest.out.write(`${real} 000 e 1\n`);
  guest.err.write(`${real} 000 e 0\n`);
  expect(await pending).toMatchObject({ exitCode: 0, truncated: true });
  await flood(guest.err, 64 << 20);
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(40 << 20);
  expect(guest.lane.lateOutput()[0]?.stderr.length).toBeLessThanOrEqual(32 << 10);
});

test("garbage on the control port fails the pending command with one clear error", async () => {
  await using guest = await openHostile();
  const pending = guest.lane.run({ command: "true" });
  await requestKey(guest.out);
  const rejected = expect(pending).rejects.toThrow(
    "the command lane is lost: the guest writes garbage to the agent's port",
  );
  await flood(guest.control, 4 << 20).catch(() => {});
  await rejected;
});

test("a guest that never ends a command is given up three grace periods after the timeout", async () => {
  await using guest = await openHostile({ graceMs: 50 });
  const pending = guest.lane.run({ command: "true", timeoutMs: 100 });
  const real = await requestKey(guest.out);
  // One of the two outputs may end, and nothing else.
  guest.err.write(`cut short${real} 000 e 0\n`);
  const outcome = await pending;
  expect(outcome).toMatchObject({ exitCode: undefined, timedOut: true });
  expect(Buffer.from(outcome.stderr).toString()).toBe("cut short");
  expect(outcome.durationMs).toBeGreaterThanOrEqual(240);
});

test.each([
  ["before its command", "first"],
  ["after its command", ""],
])("a call that ends %s hears no more of its output, and holds up nobody", async (_, first) => {
  await using guest = await openHostile({ graceMs: 20 });
  let heard = 0;
  const pending = guest.lane.run({
    command: "true",
    timeoutMs: 40,
    onOutput: async () => {
      heard += 1;
      // Never done with it.
      await new Promise(() => {});
    },
  });
  const real = await requestKey(guest.out);
  const last = (): void => {
    guest.err.write(`${real} 000 e 0\n`);
    guest.out.write(`later${real} 000 e 0\n`);
  };
  if (first === "") last();
  else guest.out.write(first);
  expect(await pending).toMatchObject({ exitCode: undefined, timedOut: true });
  if (first !== "") last();
  const next = guest.lane.run({ command: "true" });
  const other = await requestKey(guest.out);
  guest.err.write(`${other} 000 e 0\n`);
  guest.out.write(`mine${other} 003 e 0\n`);
  const outcome = await next;
  expect([outcome.exitCode, Buffer.from(outcome.stdout).toString(), heard]).toEqual([3, "mine", 1]);
});

test("a port that closes in the middle of an output or an input fails the command", async () => {
  await using guest = await openHostile();
  const pending = guest.lane.run({ command: "cat", stdin: Buffer.alloc(50 << 20) });
  await requestKey(guest.out);
  guest.out.write("the beginning");
  const rejected = expect(pending).rejects.toThrow(
    "the command lane is lost: QEMU has closed the agent's ports",
  );
  guest.err.destroy();
  await rejected;
});
