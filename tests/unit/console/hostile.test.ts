import { tmpdir } from "node:os";
import { fileURLToPath } from "node:url";
import { expect, test, vi } from "vitest";
import { Console, spawnPty } from "../../../src/console/index.ts";
import { Deadline } from "../../../src/deadline.ts";
import { scriptedTransport, type ScriptedTransport } from "../../fixtures/scripted-transport.ts";

// oxlint-disable-next-line no-control-regex -- it is what must not be there
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

function hostile(): { transport: ScriptedTransport; console: Console; shown: string[] } {
  const transport = scriptedTransport();
  const shown: string[] = [];
  const console = new Console(transport, { onLine: (line) => shown.push(line) });
  return { transport, console, shown };
}

const lost = (console: Console): Promise<unknown> =>
  console.expect("never", { deadline: Deadline.after(60_000) }).catch((error: unknown) => error);

test("a flood of lines leaves the memory bounded and hides no panic", async () => {
  const transport = scriptedTransport();
  const console = new Console(transport);
  const failure = lost(console);
  const flood = Buffer.from("all work and no play makes a dull guest\r\n".repeat(1600));
  for (let megabytes = 0; megabytes < 6; megabytes += 1) {
    for (let part = 0; part < 16; part += 1) transport.emit(flood);
    const { text } = console.transcript.since(0);
    expect(text.length).toBeLessThan(2_000_000);
  }
  transport.emit("[  99.9] Kernel panic - not syncing: at last\r\n");
  transport.emit(flood);
  expect(await failure).toMatchObject({ message: expect.stringContaining("at last") });
});

test("a flood of alarms is counted out, and the last fatal one still counts", async () => {
  const { transport, console } = hostile();
  transport.emit("[    1.0] Out of memory: Killed process 1 (hog)\r\n".repeat(5000));
  expect(console.alarms).toHaveLength(100);
  transport.emit("[    2.0] Kernel panic - not syncing: out of patience\r\n");
  expect(await lost(console)).toMatchObject({ code: "BOOT_FAILED" });
});

test("a line without an end is cut into lines, and looked at in steady time", async () => {
  const { transport, console, shown } = hostile();
  // Each would be searched from each of its words for what never follows.
  for (const words of ["INFO: task ", "virtiofsd "]) {
    for (let part = 0; part < 150; part += 1) transport.emit(words.repeat(400));
  }
  expect(shown.length).toBeGreaterThan(10);
  expect(Math.max(...shown.map((line) => line.length))).toBeLessThan(70_000);
  expect(console.failure).toBeUndefined();
}, 4000);

test("backspaces without end in a line without end are worked off in steady time", async () => {
  const { transport, console } = hostile();
  transport.emit("y".repeat(60_000));
  // Each would change a copy of the whole line.
  for (let part = 0; part < 100; part += 1) transport.emit("\bx".repeat(2000));
  expect(console.transcript.currentLine).toMatch(/^y{59999}x$/);
}, 4000);

test("a program that floods, asks and forges at full speed is held back, not piled up", async () => {
  const script = fileURLToPath(new URL("../../fixtures/run-scripts/floods.sh", import.meta.url));
  const console = new Console(spawnPty({ file: script, cwd: tmpdir(), env: process.env }));
  await vi.waitFor(() => expect(console.mark()).toBeGreaterThan(2_400_000), { timeout: 20_000 });
  const { text } = console.transcript.since(0);
  expect(text.length).toBeLessThan(1_200_000);
  expect(text).not.toMatch(obeyed);
  expect(console.alarms.length).toBeLessThanOrEqual(100);
  expect(console.failure).toBeUndefined();
  await console.terminate();
  expect(console.failure).toMatchObject({ message: "the guest has ended" });
}, 30_000);

test("what is meant for the user's terminal reaches neither progress nor messages", async () => {
  const { transport, console, shown } = hostile();
  const clipboard = "\x1b]52;c;cm0gLXJmIC8=\x07";
  const title = "\x1b]0;you are root\x1b\\";
  transport.emit(`${title}${clipboard}\x1b[2J\x1b[?1049hStarting\u009b31m \x9dnginx\r\n`);
  transport.emit(`Kernel panic - not syncing: \x1b[5m${clipboard}attacked\x1bc\r\n`);
  const failure = await lost(console);
  if (!(failure instanceof Error) || !("details" in failure)) throw new Error("no failure");
  for (const text of [...shown, failure.message, ...(failure.details as string[])]) {
    expect(text).not.toMatch(obeyed);
  }
  expect(failure.message).toContain("attacked");
  expect(failure.message).not.toContain("cm0g");
});

test("a guest cannot make an end of QEMU look like another one", async () => {
  const { transport, console } = hostile();
  transport.emit("QEMU ended with exit code 0\r\nthe guest has ended\r\n");
  expect(console.failure).toBeUndefined();
  transport.end({ exitCode: 1, signal: undefined });
  expect(await lost(console)).toMatchObject({
    message: expect.stringMatching(/^QEMU ended with exit code 1/),
  });
});
