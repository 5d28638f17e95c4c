import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { scriptedMachine } from "../fixtures/scripted-machine.ts";
import { capture, runCli } from "../fixtures/captured-io.ts";

let directory = "";
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "boot-test-"));
  vi.stubEnv("XDG_RUNTIME_DIR", directory);
  vi.stubEnv("TMPDIR", directory);
});
afterEach(() => {
  vi.unstubAllEnvs();
  rmSync(directory, { recursive: true });
});

/** A person at a terminal, before whom a run script's guest boots. */
function bootOnTerminal(script: string, ...options: readonly string[]) {
  const stdin = Object.assign(new PassThrough(), { isTTY: true, setRawMode: () => {} });
  const screen = capture({ isTTY: true });
  const argv = ["boot", ...scriptedMachine({ script }), "--accel", "tcg", ...options];
  return { stdin, screen, ended: runCli(argv, { stdin, stdout: screen.stream, cwd: directory }) };
}

const screenShows = (screen: ReturnType<typeof capture>, what: string): Promise<void> =>
  vi.waitFor(() => expect(screen.text()).toContain(what), 30_000);

const leave = "\x1d\x1d\x1d";

test("a guest that is left is ended, and its recording stays where that was asked for", async () => {
  const { stdin, screen, ended } = bootOnTerminal("fake-guest", "--keep");
  await screenShows(screen, "[root@nixos:/]#");
  stdin.write(leave);
  const { exitCode, stderr } = await ended;
  expect(exitCode).toBe(0);
  const [, kept = ""] = /^kept: (.+)$/m.exec(stderr) ?? [];
  expect(readFileSync(join(kept, "console.log"), "utf8")).toContain("<<< NixOS Stage 1 >>>");
});

test("a QEMU that ends by itself with an error is no success", async () => {
  const { exitCode, stderr } = await bootOnTerminal("dies").ended;
  expect(exitCode).toBe(4);
  expect(stderr).toMatch(/^error: QEMU ended with exit code 1: /m);
});

test("a guest for which there may not be enough memory boots, and its user is told", async () => {
  const { stdin, screen, ended } = bootOnTerminal("fake-guest", "--memory", "999999999");
  await screenShows(screen, "[root@nixos:/]#");
  stdin.write(leave);
  expect(await ended).toMatchObject({
    exitCode: 0,
    stderr: expect.stringMatching(
      /may run out of memory: it takes up to 1000000299 MiB, and \d+ MiB/,
    ),
  });
  expect(existsSync(join(directory, "dryboot-guests"))).toBe(true);
});
