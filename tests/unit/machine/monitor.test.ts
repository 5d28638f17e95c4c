import { once } from "node:events";
import { mkdtempSync, rmSync } from "node:fs";
import { createServer, type Socket } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { expect, test, vi } from "vitest";
import { Console } from "../../../src/console/index.ts";
import { Deadline } from "../../../src/deadline.ts";
import { laneControlPortId } from "../../../src/guest/index.ts";
import { watchMonitor } from "../../../src/machine/monitor.ts";
import { scriptedTransport } from "../../fixtures/scripted-transport.ts";

interface Watched extends AsyncDisposable {
  readonly console: Console;
  readonly commands: readonly string[];
  readonly onLaneClosed: () => void;
  /** QEMU tells of something. */
  tell(event: string, data?: object): void;
}

/** A guest that has booted, and a monitor that says what the test wants. */
async function watched(): Promise<Watched> {
  const directory = mkdtempSync(join(tmpdir(), "dryboot-monitor-test-"));
  const socket = join(directory, "qmp");
  const commands: string[] = [];
  let connection: Socket | undefined;
  const say = (message: object): void => void connection?.write(`${JSON.stringify(message)}\r\n`);
  const server = createServer((accepted) => {
    connection = accepted;
    say({ QMP: {} });
    createInterface({ input: accepted }).on("line", (line) => {
      const { execute, id } = JSON.parse(line) as { execute: string; id: number };
      commands.push(execute);
      say({ return: {}, id });
    });
  });
  await once(server.listen(socket), "listening");
  const console = new Console(scriptedTransport());
  console.markBooted();
  const onLaneClosed = vi.fn();
  const deadline = Deadline.after(20_000);
  const monitor = watchMonitor(console, { name: "web", socket, deadline, onLaneClosed });
  // It has listened from here on at the latest.
  await monitor.order("ask", (qmp) => qmp.execute("query-status", { deadline }));
  return {
    console,
    commands,
    onLaneClosed,
    tell: (event, data = {}) => say({ event, data }),
    async [Symbol.asyncDispose]() {
      monitor[Symbol.dispose]();
      connection?.destroy();
      server.close();
      rmSync(directory, { recursive: true });
    },
  };
}

test.each([
  { event: "GUEST_PANICKED", data: { action: "pause" }, says: "kernel panic (reported by QEMU)" },
  { event: "RESET", data: { guest: true }, says: "unexpected reboot (reported by QEMU)" },
  { event: "BLOCK_IO_ERROR", data: { nospace: true }, says: "this host's disk is full" },
])("$event fails every wait, though the console is silent", async ({ event, data, says }) => {
  await using guest = await watched();
  const wait = guest.console.expect("never", { deadline: Deadline.after(60_000) });
  guest.tell(event, data);
  await expect(wait).rejects.toMatchObject({
    code: "GUEST_LOST",
    message: expect.stringContaining(says),
    hint: expect.stringMatching(/\.$/),
  });
});

test("a reset by QEMU's own user, another disk error or another port is nothing", async () => {
  await using guest = await watched();
  guest.tell("RESET", { guest: false });
  guest.tell("BLOCK_IO_ERROR", { nospace: false });
  guest.tell("VSERPORT_CHANGE", { id: "somebody's", open: false });
  guest.tell("VSERPORT_CHANGE", { id: laneControlPortId, open: true });
  expect(guest.onLaneClosed).not.toHaveBeenCalled();
  guest.tell("VSERPORT_CHANGE", { id: laneControlPortId, open: false });
  await expect.poll(() => guest.onLaneClosed).toHaveBeenCalledOnce();
  expect(guest.console.failure).toBeUndefined();
});

test("QEMU is told to stay after a panic, so that its last words are read", async () => {
  await using guest = await watched();
  await expect.poll(() => guest.commands).toContain("set-action");
});
