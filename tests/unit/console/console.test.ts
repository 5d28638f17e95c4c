import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { attach, Console, spawnPty } from "../../../src/console/index.ts";
import { Deadline } from "../../../src/deadline.ts";
import { scriptedTransport } from "../../fixtures/scripted-transport.ts";

const soon = (): Deadline => Deadline.after(100);
const later = (): Deadline => Deadline.after(5000);

function bash(script: string): Console {
  return new Console(
    spawnPty({ file: "bash", args: ["-c", script], cwd: tmpdir(), env: process.env }),
  );
}

test("text is found over chunk borders, in order, and stays there", async () => {
  const transport = scriptedTransport();
  const console = new Console(transport);
  const found = console.expect("two words", { deadline: later() });
  for (const piece of "one two words three".match(/.{1,3}/g) ?? []) transport.emit(piece);
  expect(await found).toMatchObject({ text: "two words", start: 4, end: 13 });
  expect(await console.expect(/(w)ord/g, { deadline: later() })).toMatchObject({ groups: ["w"] });
  expect(await console.expect(["three", /one/], { deadline: later() })).toMatchObject({ index: 1 });
});

test("a tail leaves out what is no news, wherever it begins", () => {
  const transport = scriptedTransport();
  const { transcript } = new Console(transport);
  transport.emit("one\r\n# ");
  const start = transcript.end;
  transport.emit("typed\r\nanswer\r\n# ");
  transcript.leaveOut({ start, end: transcript.end });
  transport.emit("\r\ntwo");
  expect(transcript.tail()).toEqual(["one", "#", "two"]);
  expect(transcript.tail(20, start + 2)).toEqual(["two"]);
  expect(transcript.since(start).text).toBe("typed\nanswer\n# \ntwo");
});

test("a mark hides what was before it", async () => {
  const transport = scriptedTransport();
  const console = new Console(transport);
  transport.emit("ready\r\n");
  const since = console.mark();
  await expect(console.expect("ready", { deadline: soon(), since })).rejects.toThrow();
  transport.emit("ready again\r\n");
  expect(await console.expect("ready", { deadline: later(), since })).toMatchObject({
    start: since,
  });
});

test("a timeout says what it waited for, how long, in which phase, and what it saw", async () => {
  const transport = scriptedTransport();
  const console = new Console(transport);
  transport.emit("\x1b[31mStarting nginx...\x1b[0m\r\n");
  const error = await console
    .expect(["login:", /#\s$/], { deadline: soon(), phase: "the boot" })
    .catch((reason: unknown) => reason);
  expect(error).toMatchObject({
    code: "CONSOLE_TIMEOUT",
    message: 'the console did not show "login:" or /#\\s$/ within 100 ms during the boot',
    details: ["It showed:", "Starting nginx..."],
  });
});

test("a fatal alarm fails every pending wait at once and every later one with the same error", async () => {
  const transport = scriptedTransport();
  const console = new Console(transport);
  const waits = ["a", "b"].map((text) =>
    console.expect(`never ${text}`, { deadline: Deadline.after(60_000) }),
  );
  transport.emit("[    6.4] Kernel panic - not syncing: Attempted to kill init!\r\n");
  const reasons = (await Promise.allSettled(waits)).map(
    (one) => one.status === "rejected" && one.reason,
  );
  expect(reasons[0]).toMatchObject({
    code: "BOOT_FAILED",
    message: expect.stringContaining("kernel panic"),
  });
  expect(reasons[1]).toBe(reasons[0]);
  await expect(console.expect("never", { deadline: later() })).rejects.toBe(reasons[0]);
  await expect(console.expect("Kernel panic", { deadline: later() })).resolves.toBeDefined();
});

test("what a guest showed before it was saved is no loss of it, but for what hurt it; what it shows then is", () => {
  const banner = "SeaBIOS (version 1.16.2-debian-1.16.2-1)\r\n";
  const hurt = "[    9.1] Out of memory: Killed process 321 (hog)\r\n";
  const transport = scriptedTransport();
  const console = new Console(transport, { replays: `${banner}${hurt}${banner}` });
  expect(console.failure).toBeUndefined();
  expect(console.alarms).toMatchObject([
    { severity: "hurt", line: expect.stringContaining("hog") },
  ]);
  transport.emit(banner);
  expect(console.failure?.message).toContain("unexpected reboot");
});

test("a reset or a panic that QEMU reports is fatal, but for a reset that belongs to a boot", async () => {
  const [restarted, panicked] = [scriptedTransport(), scriptedTransport()].map((transport) => {
    transport.emit("starting nginx\r\n");
    return new Console(transport);
  });
  restarted?.raise("unexpected reboot");
  restarted?.markBooted();
  restarted?.expectReboot();
  restarted?.raise("unexpected reboot");
  expect(restarted?.failure).toBeUndefined();
  restarted?.markBooted();
  const wait = restarted?.expect("never", { deadline: Deadline.after(60_000) });
  restarted?.raise("unexpected reboot");
  await expect(wait).rejects.toMatchObject({
    code: "GUEST_LOST",
    message: "the guest is lost: unexpected reboot (reported by QEMU)",
  });
  panicked?.raise("kernel panic");
  expect(panicked?.failure).toMatchObject({ message: expect.stringContaining("kernel panic") });
});

test("a line that hurts is remembered and fails nothing", async () => {
  const transport = scriptedTransport();
  const console = new Console(transport);
  transport.emit("[   30.2] Out of memory: Killed process 412 (hog)\r\nlogin:");
  await console.expect("login:", { deadline: later() });
  expect(console.alarms).toMatchObject([{ name: "out of memory", severity: "hurt" }]);
});

test("the end of QEMU ends a wait with its exit code and its last words", async () => {
  const console = bash(
    "echo booting; echo 'qemu-system-x86_64: cannot set up guest memory: no room' >&2; exit 7",
  );
  await expect(console.expect("login:", { deadline: later() })).rejects.toMatchObject({
    message: "QEMU ended with exit code 7: qemu-system-x86_64: cannot set up guest memory: no room",
  });
  expect(await console.exited).toEqual({ exitCode: 7, signal: undefined });
});

test("a program that is killed reports the signal", async () => {
  expect(await bash("kill -KILL $$").exited).toEqual({ exitCode: undefined, signal: 9 });
});

test("the last output is not lost, however busy this process is", async () => {
  const console = bash("seq 1 20000; echo the end");
  await new Promise((resolve) => setTimeout(resolve, 20));
  const until = performance.now() + 500;
  while (performance.now() < until);
  await console.exited;
  expect(console.transcript.tail(2)).toEqual(["20000", "the end"]);
});

test("bytes are typed as they are, control characters too", () => {
  const transport = scriptedTransport();
  new Console(transport).send(Uint8Array.from([0x61, 1, 0xff, 3]));
  expect(transport.typed).toBe("a\x01\xff\x03");
});

test("questions to the terminal are answered, without end not", () => {
  const transport = scriptedTransport();
  const console = new Console(transport);
  transport.emit("\x1b[6n\x1b[18t");
  expect(transport.typed).toBe("\x1b[24;1R\x1b[8;24;80t");
  transport.emit("\x1b[5n".repeat(5000));
  expect(transport.typed.length).toBeLessThan(10_000);
  console.answersQueries = false;
});

test("the whole console is on disk, with time stamps and as a recording", async () => {
  const directory = mkdtempSync(join(tmpdir(), "dryboot-console-test-"));
  const transport = scriptedTransport();
  const console = new Console(transport, { recordIn: directory });
  transport.emit("\x1b[32mone\x1b[0m\r\r\ntwo");
  transport.end();
  await console.exited;
  expect(readFileSync(join(directory, "console.log"), "utf8")).toMatch(
    /^\[ +\d+\.\d{3}\] one\n\[ +\d+\.\d{3}\] two\n$/,
  );
  const [head, event] = readFileSync(join(directory, "console.cast"), "utf8").trim().split("\n");
  expect(JSON.parse(head ?? "")).toMatchObject({ version: 2, width: 80 });
  expect(JSON.parse(event ?? "")[2]).toBe("\x1b[32mone\x1b[0m\r\r\ntwo");
  rmSync(directory, { recursive: true });
});

test("an attached terminal sees and types everything until Ctrl-] three times", async () => {
  const transport = scriptedTransport();
  const console = new Console(transport);
  const input = new PassThrough();
  const output = new PassThrough();
  const left = attach(console, { input, output });
  input.write("ls\r\x1d\x1d");
  transport.emit("\x1b[1mfile\x1b[0m");
  await new Promise((resolve) => setImmediate(resolve));
  input.write("x");
  input.write("\x1d\x1d\x1d");
  expect(await left).toBe("left");
  expect(transport.typed.slice(0, 6)).toBe("ls\r\x1d\x1dx");
  expect(String(output.read())).toContain("\x1b[1mfile\x1b[0m");
});

test("an attached terminal is given back when the guest ends", async () => {
  const transport = scriptedTransport();
  const attached = attach(new Console(transport), {
    input: new PassThrough(),
    output: new PassThrough(),
  });
  transport.end();
  expect(await attached).toBe("ended");
});
