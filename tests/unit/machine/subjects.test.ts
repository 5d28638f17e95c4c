import { execFileSync } from "node:child_process";
import { chmodSync, mkdirSync, mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { createServer, type Server } from "node:http";
import { createServer as createTcpServer, type AddressInfo } from "node:net";
import { tmpdir, userInfo } from "node:os";
import { join } from "node:path";
import { afterAll, beforeAll, expect, test } from "vitest";
import { File, Http, observeUntil, Port } from "../../../src/machine/index.ts";
import { hostRunner } from "./host-runner.ts";

const host = hostRunner();
const directory = mkdtempSync(join(tmpdir(), "machine-subjects-"));
const path = join(directory, "it's a file");
writeFileSync(path, "one\ntwo\n");
mkdirSync(join(directory, "no-ss"));
writeFileSync(join(directory, "no-ss", "ss"), "#!/bin/sh\nexit 127\n", { mode: 0o755 });
chmodSync(path, 0o640);
symlinkSync(path, join(directory, "link"));

let server: Server;
let port = 0;

beforeAll(async () => {
  server = createServer((request, response) => {
    const chunks: Buffer[] = [];
    request.on("data", (chunk: Buffer) => chunks.push(chunk));
    request.on("end", () => {
      if (request.url === "/moved") response.writeHead(302, { location: "/" }).end("moved");
      else {
        response.writeHead(request.url === "/missing" ? 404 : 200, {
          "Content-Type": "text/plain",
          "Set-Cookie": ["a=1", "b=2"],
        });
        response.end(
          `${request.method} ${request.headers["x-name"] ?? "nobody"} ${Buffer.concat(chunks)}`,
        );
      }
    });
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  port = (server.address() as AddressInfo).port;
});

afterAll(() => {
  server.close();
  rmSync(directory, { recursive: true });
});

test("a file's status and content are read through links", async () => {
  const file = new File(host, join(directory, "link"));
  const { username } = userInfo();
  expect(await file.status()).toMatchObject({
    type: "file",
    mode: 0o640,
    owner: username,
    sizeBytes: 8,
  });
  expect(await file.content()).toBe("one\ntwo\n");
  expect(await file.target()).toBe(path);
});

test("a file that is missing does not exist, and has no content to read", async () => {
  const file = new File(host, join(directory, "missing"));
  expect(await file.exists()).toBe(false);
  await expect(file.content()).rejects.toThrow(/exit code 1: cat -- .*missing/);
});

test.for([
  [(file: File) => file.withMode("0640"), undefined],
  [(file: File) => file.withMode(0o600), /to have the mode 0600, but has the mode 0640/],
  [(file: File) => file.withOwner(userInfo().username), undefined],
  [(file: File) => file.withOwner("nobody"), /to belong to nobody, but belongs to \w+:\w+/],
  [(file: File) => file.withContent("one\ntwo\n"), undefined],
  [(file: File) => file.withContent(/^two$/gm), undefined],
  [
    (file: File) => file.withContent("one"),
    /to have the content "one", but has the content "one\\ntwo\\n"/,
  ],
] as const)("a file is compared: %s", async ([expects, message]) => {
  const verdict = await observeUntil(expects(new File(host, path)), { timeoutMs: 0 });
  expect(verdict.pass).toBe(message === undefined);
  if (message) expect(verdict.message).toMatch(message);
});

test("what comes later is waited for", async () => {
  const later = join(directory, "later");
  setTimeout(() => writeFileSync(later, ""), 150);
  expect(await observeUntil(new File(host, later).existing(), { timeoutMs: 5_000 })).toMatchObject({
    pass: true,
    timedOut: false,
  });
});

test("a listener is found with its address, and a port without one says what is in use", async () => {
  expect(await new Port(host, port).isListening()).toBe(true);
  expect(await new Port(host, port, { address: "localhost" }).isListening()).toBe(true);
  expect(await new Port(host, port, { address: "192.0.2.1" }).isListening()).toBe(false);
  const elsewhere = await observeUntil(new Port(host, port, { address: "192.0.2.1" }).listening(), {
    timeoutMs: 0,
  });
  expect(elsewhere.message).toContain("is listened on only at 127.0.0.1");
  const free = await observeUntil(new Port(host, 9).listening(), { timeoutMs: 0 });
  expect(free.message).toMatch(
    new RegExp(`nobody listens on it; tcp ports in use:.*\\b${port}\\b`),
  );
});

test("IPv4 reaches a listener on :: only where it takes that too", async () => {
  for (const ipv6Only of [true, false]) {
    const tcp = createTcpServer().listen({ host: "::", port: 0, ipv6Only });
    await new Promise((resolve) => tcp.once("listening", resolve));
    const number = (tcp.address() as AddressInfo).port;
    const withoutSs = hostRunner({ path: join(directory, "no-ss") });
    for (const runner of [host, withoutSs]) {
      const at = (address: string): Promise<boolean> =>
        new Port(runner, number, { address }).isListening();
      expect([await at("127.0.0.1"), await at("::1"), await at("localhost")]).toEqual([
        !ipv6Only,
        true,
        true,
      ]);
    }
    await new Promise((resolve) => tcp.close(resolve));
  }
});

test("a pipe is not read, which could take for ever", async () => {
  const pipe = join(directory, "pipe");
  execFileSync("mkfifo", [pipe]);
  const verdict = await observeUntil(new File(host, pipe).withContent("x"), { timeoutMs: 0 });
  expect(verdict.saw).toBe("is a pipe");
});

test("a port is open when a connection comes about", async () => {
  const tcp = createTcpServer().listen(0, "127.0.0.1");
  await new Promise((resolve) => tcp.once("listening", resolve));
  const open = new Port(host, (tcp.address() as AddressInfo).port, { address: "127.0.0.1" });
  expect((await observeUntil(open.open())).pass).toBe(true);
  await new Promise((resolve) => tcp.close(resolve));
  const closed = await observeUntil(open.open(), { timeoutMs: 0 });
  expect(closed.message).toContain("takes no connection (Connection refused)");
});

// A PATH with everything that the requests need but curl.
const withoutCurl = join(directory, "bin");

test.for([
  ["curl", undefined],
  ["bash alone", withoutCurl],
] as const)("a URL is asked by %s", async ([, path]) => {
  const runner = path === undefined ? host : hostRunner({ path });
  if (path !== undefined) {
    writeFileSync(join(directory, "bin.sh"), "");
    mkdirSync(path);
    writeFileSync(join(path, "curl"), "#!/bin/sh\nexit 127\n", { mode: 0o755 });
  }
  const http = new Http(runner, `http://127.0.0.1:${port}/`, {
    method: "POST",
    headers: { "X-Name": "it's me" },
    body: "a b",
  });
  expect(await http.response()).toMatchObject({
    status: 200,
    body: "POST it's me a b",
    headers: { "content-type": "text/plain", "set-cookie": "a=1, b=2" },
  });
  const missing = new Http(runner, `http://127.0.0.1:${port}/missing`);
  const verdict = await observeUntil(
    missing.responding({ status: 200, headers: { "content-type": /html/ } }),
    { timeoutMs: 0 },
  );
  expect(verdict.message).toMatch(
    /to respond with 200, content-type: .html.*but responds with 404; has the header content-type: "text\/plain"/,
  );
  const refused = await observeUntil(new Http(runner, "http://127.0.0.1:9/").responding({}), {
    timeoutMs: 0,
  });
  expect(refused.message).toMatch(/does not answer \(.*(?:refused|connect).*\)/i);
});

test("redirects are followed only on request", async () => {
  const url = `http://127.0.0.1:${port}/moved`;
  expect((await new Http(host, url).response()).status).toBe(302);
  expect((await new Http(host, url, { followRedirects: true }).response()).body).toMatch(/^GET/);
});
