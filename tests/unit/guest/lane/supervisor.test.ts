import { once } from "node:events";
import { createServer, connect, type Socket } from "node:net";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import fc from "fast-check";
import { expect, test } from "vitest";
import { superviseOver, type SupervisorEvent } from "../../../../src/guest/lane/supervisor.ts";

const key = "0123456789abcdef0123456789abcdef";

interface Wire extends AsyncDisposable {
  readonly host: Socket;
  readonly guest: Socket;
}

async function openWire(): Promise<Wire> {
  const directory = await mkdtemp(join(tmpdir(), "lane-test-"));
  const server = createServer();
  server.listen(join(directory, "port"));
  await once(server, "listening");
  const accepted = once(server, "connection");
  const host = connect(join(directory, "port"));
  const [guest] = (await accepted) as [Socket];
  return {
    host,
    guest,
    async [Symbol.asyncDispose]() {
      host.destroy();
      guest.destroy();
      server.close();
      await rm(directory, { recursive: true });
    },
  };
}

test("what stands in the port before the agent's first word is passed over", async () => {
  await using wire = await openWire();
  const events: SupervisorEvent[] = [];
  superviseOver(wire.host, key, (event) => events.push(event));
  wire.guest.write(`some earlier agent\n${"x".repeat(5000)}\n${key} hello\n${key} pong 1 3 5\n`);
  await expect.poll(() => events).toEqual([{ kind: "hello" }, { kind: "pong", dead: [3, 5] }]);
});

test("a flood of random bytes becomes garbage events, never a message", async () => {
  await using wire = await openWire();
  const kinds = new Set<string>();
  const { host } = wire;
  superviseOver(host, key, (event) => kinds.add(event.kind));
  host.emit("data", Buffer.from(`${key} hello\n`));
  fc.assert(
    fc.property(fc.uint8Array({ maxLength: 400 }), (bytes) => {
      host.emit("data", Buffer.from(bytes));
    }),
    { numRuns: Number(process.env["DRYBOOT_FUZZ_INPUTS"] ?? 3500) },
  );
  expect([...kinds].toSorted()).toEqual(["garbage", "hello"]);
}, 3_600_000);
