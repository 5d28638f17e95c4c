import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { Console } from "../../../../src/console/index.ts";
import { Deadline } from "../../../../src/deadline.ts";
import { laneAgentProgram } from "../../../../src/guest/lane/agent.ts";
import { agentLine, openLane, resumeLane } from "../../../../src/guest/lane/open-lane.ts";
import { lanePorts } from "../../../../src/guest/lane/ports.ts";
import { scriptedTransport } from "../../../fixtures/scripted-transport.ts";

test("of the line that starts the lane's agent, a shell with another language than bash's reads one quoted word", () => {
  // What fish, zsh and bash itself all take as it stands between single quotes.
  expect(agentLine("1234abcd")).toMatch(/^ unset HISTFILE;bash -c '(?:[^'\\!\n]|\\(?!\\))+'$/);
});

interface Ports extends AsyncDisposable {
  readonly directory: string;
  /** What was written to the control port. */
  received(): string;
}

/** QEMU's end of the lane's ports, with nobody in the guest. */
async function listenAtPorts(): Promise<Ports> {
  const directory = mkdtempSync(join(tmpdir(), "lane-ports-"));
  const { control, slots } = lanePorts(directory);
  const peers = new Set<Socket>();
  let received = "";
  const servers = [control, ...slots.flatMap(({ out, err }) => [out, err])].map((path) =>
    createServer((socket) => {
      peers.add(socket.on("error", () => {}));
      if (path === control) socket.on("data", (bytes) => (received += bytes.toString("latin1")));
    }).listen(path),
  );
  await Promise.all(servers.map((server) => server.listening || once(server, "listening")));
  return {
    directory,
    received: () => received,
    async [Symbol.asyncDispose]() {
      for (const peer of peers) peer.destroy();
      for (const server of servers) server.close();
      rmSync(directory, { recursive: true });
    },
  };
}

test("a shell whose word was lost is sent the agent all the same, once", async () => {
  await using ports = await listenAtPorts();
  const transport = scriptedTransport();
  const { directory } = ports;
  const deadline = Deadline.after(10_000);
  const opening = openLane(new Console(transport), { directory, deadline, unheardMs: 10 });
  const end = laneAgentProgram().trimEnd().slice(-40);
  await expect.poll(() => ports.received()).toContain(end);
  const word = /lane-%s-%s\\n" (\w+)/.exec(transport.typed)?.[1] ?? "";
  expect(ports.received().match(new RegExp(`^${word}:`, "gm"))).toHaveLength(1);
  transport.emit(`lane-${word}-none\r\n`);
  expect(await opening).toMatchObject({ reason: expect.stringContaining("no virtio-serial port") });
});

test("an agent that does not answer is not gone on with", async () => {
  await using ports = await listenAtPorts();
  const console = new Console(scriptedTransport());
  let proceeded = 0;
  const lane = await resumeLane(console, {
    directory: ports.directory,
    deadline: Deadline.after(10_000),
    patienceMs: 50,
    agent: { key: "0".repeat(32), nextSerial: 7, workers: [0] },
    proceed: async () => void (proceeded += 1),
  });
  expect(lane).toBeUndefined();
  expect(proceeded).toBe(1);
  expect(console.failure).toBeUndefined();
});
