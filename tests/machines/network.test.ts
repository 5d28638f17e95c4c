// Several machines on one switch, as a user would test what they do to each other.
import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "dryboot/test";

const curl = "curl --silent --fail --max-time 20";
const front = `${curl} http://web/`;
const noFront = "curl --silent --fail --max-time 2 http://web/";

test("an address that a machine's configuration fixes is on the network, whatever the others' is", async ({
  machines,
}) => {
  const [web, client] = await Promise.all([machines.start("web"), machines.start("minimal")]);
  // As those of cards that the vm does not have lie on its first one.
  await web.succeed("ip address add 10.77.0.5/24 dev eth0");
  const network = await machines.connect(web, client);

  expect(network.addressOf(web)).toBe("10.77.0.5");
  expect(await client.succeed(`${curl} http://10.77.0.5/`)).toContain("Welcome");
  expect(await client.succeed(front)).toContain("Welcome");

  await network.disconnect(client);
  await client.succeed("ip address add 10.77.0.5/24 dev eth0");
  await expect(network.connect(client)).rejects.toThrow(
    "minimal has the address 10.77.0.5, which web has on this network too",
  );
});

test("machines reach each other by name, until something comes between them", async ({
  machines,
}) => {
  const [web, client] = await Promise.all([machines.shared("web"), machines.shared("minimal")]);
  const network = await machines.connect(web, client);

  expect(await client.succeed(front)).toContain("Welcome to web");
  await expect(client.dns("web")).toResolve({ to: network.addressOf(web) });
  await web.succeed("getent hosts minimal");

  network.partition([web]);
  await client.fail(noFront);
  network.heal();
  expect(await client.succeed(front)).toContain("Welcome to web");

  network.impair({ loss: 1 });
  await client.fail(noFront);
  network.impair({ delayMs: 300 });
  const seconds = Number(await client.succeed(`${front} -o /dev/null -w '%{time_connect}'`));
  // There and back; the port is open when the answer has come.
  expect(seconds).toBeGreaterThan(0.6);
});

test("what machines send can be read afterwards", async ({ machines, onTestFinished }) => {
  const directory = mkdtempSync(join(tmpdir(), "capture-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  const file = join(directory, "front.pcap");
  const [web, client] = await Promise.all([machines.shared("web"), machines.shared("minimal")]);
  const network = await machines.connect(web, client);
  {
    await using _ = await network.capture(file);
    await client.succeed(front);
  }
  await client.succeed(`${curl} http://web/robots.txt`);

  const captured = readFileSync(file, "latin1");
  expect(captured).toMatch(/GET \/ HTTP/);
  expect(captured).toMatch(/Welcome to web/);
  expect(captured).not.toMatch(/robots/);
});

test("a machine keeps its place on a network when it boots again or is restored", async ({
  machines,
}) => {
  const first = await machines.shared("minimal");
  const [second] = await first.fork();
  if (second === undefined) return expect.fail("one was asked for");
  const before = await first.checkpoint();
  const network = await machines.connect(first, second);
  const reached = (): Promise<string> => second.succeed("getent hosts minimal");
  const answers = (): Promise<string> => second.succeed("ping -c 1 -W 20 minimal");
  expect(await reached()).toContain(network.addressOf(first));

  await expect(first.checkpoint()).rejects.toThrow(/cannot be saved: it is on a network/);
  await first.restore(before);
  await answers();

  await first.reboot();
  expect(first.commandWay).toEqual({ kind: "lane" });
  await answers();
  // Two machines of one name: the second is told from the first.
  await first.succeed("getent hosts minimal-2");
});

test("a machine that has left a network is as it was, and may be on others", async ({
  machines,
}) => {
  const [web, client] = await Promise.all([machines.shared("web"), machines.shared("minimal")]);
  const state = "ip -brief address show eth0; cat /etc/hosts; ls /sys/class/net";
  await web.succeed("ip address add 10.77.0.5/24 dev eth0");
  const before = await web.succeed(state);
  const network = await machines.connect(web, client);
  const other = await machines.connect(client, web);

  expect(await web.succeed(state)).not.toBe(before);
  expect(await client.succeed(`${curl} http://${other.addressOf(web)}/`)).toBeTruthy();

  await other.disconnect(web);
  expect(await client.succeed(front)).toContain("Welcome");
  await network.disconnect(web);
  expect(await web.succeed(state)).toBe(before);
  await client.fail(noFront);
  await web.checkpoint();
});

test("a network ends with its test", async ({ machines }) => {
  const client = await machines.shared("minimal");
  expect(await client.succeed("ls /sys/class/net")).toBe("eth0\nlo\n");
  await client.fail("getent hosts web");
});

test("what cannot be connected is said", async ({ machines }) => {
  const machine = await machines.shared("minimal");
  const [stranger] = await machine.fork();
  if (stranger === undefined) return expect.fail("one was asked for");
  await expect(machines.connect(machine, machine)).rejects.toMatchObject({
    code: "USAGE",
    message: "minimal is on this network already",
  });
  const network = await machines.connect(machine);
  expect(() => network.partition([stranger])).toThrow(`${stranger.name} is not on this network`);
  expect(() => network.impair({ loss: 2 })).toThrow(/a loss from 0 to 1/);
});
