import { once } from "node:events";
import { createServer, type AddressInfo } from "node:net";
import { expect, test } from "vitest";
import {
  heldSocketsCommand,
  listeningPrograms,
  parseHeldSockets,
} from "../../../src/machine/listening-programs.ts";
import { hostRunner } from "./host-runner.ts";

test("who holds a port is found by its sockets, with its control group", async () => {
  const server = createServer();
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const { stdout } = await hostRunner().execute(["bash", "-c", heldSocketsCommand]);
  const held = parseHeldSockets(stdout).find((socket) => socket.port === port);
  expect(held).toMatchObject({
    protocol: "tcp",
    address: "127.0.0.1",
    holder: { pid: process.pid, program: expect.stringMatching(/\S/) },
  });
  const lines = (await listeningPrograms(hostRunner())).join("\n");
  expect(lines).toMatch(
    new RegExp(`^tcp 127\\.0\\.0\\.1:${port} +\\S.* \\(pid ${process.pid}\\)$`, "m"),
  );
  server.close();
});

test("the first who opened a socket holds it, whatever its name is", () => {
  const text = `tcp   0: 00000000:0050 00000000:0000 0A 0:0 0:0 0 0 0 7 1
tcp6   0: 00000000000000000000000000000000:0050 0:0 0A 0:0 0:0 0 0 0 8 1
owner socket:[7] 41 "nginx.service" nginx: the "best"
owner socket:[7] 42 "other.service" worker
`;
  expect(parseHeldSockets(text)).toEqual([
    {
      protocol: "tcp",
      address: "0.0.0.0",
      port: 80,
      holder: { program: 'nginx: the "best"', pid: 41, unit: "nginx.service" },
    },
    expect.objectContaining({ address: "::", port: 80, holder: undefined }),
  ]);
});
