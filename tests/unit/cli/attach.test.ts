import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PassThrough } from "node:stream";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { capture, runCli } from "../../fixtures/captured-io.ts";

let directory = "";
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "attach-test-"))));
afterEach(() => rmSync(directory, { recursive: true }));

const keyboard = () =>
  Object.assign(new PassThrough(), { isTTY: true, setRawMode: vi.fn<(raw: boolean) => void>() });

test("the terminal is the guest's until the guest's side ends it", async () => {
  const server = createServer().listen(join(directory, "console"));
  const stdin = keyboard();
  const screen = capture({ isTTY: true });
  const attached = runCli(["attach", directory], { stdin, stdout: screen.stream });
  const [guest] = (await once(server, "connection")) as [Socket];

  stdin.write("id\x03\r");
  const [typed] = (await once(guest, "data")) as [Buffer];
  expect(typed.toString()).toBe("id\x03\r");
  guest.write("\x1b[?1049huid=0(root)");
  await vi.waitFor(() => expect(screen.text()).toBe("\x1b[?1049huid=0(root)"));
  guest.end();

  expect(await attached).toMatchObject({ exitCode: 0 });
  expect(screen.text()).toContain("\x1b[?1049l");
  expect(stdin.setRawMode.mock.calls).toEqual([[true], [false]]);
  server.close();
});

test("a directory where no guest is kept, and a missing terminal, are wrong usage", async () => {
  const stdout = capture({ isTTY: true }).stream;
  const none = await runCli(["attach", directory], { stdin: keyboard(), stdout });
  expect(none).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining(`no guest is kept in ${directory}`),
  });
  expect(await runCli(["attach", directory])).toMatchObject({
    exitCode: 2,
    stderr: expect.stringContaining("attach needs a terminal"),
  });
});
