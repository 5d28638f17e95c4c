import { mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { Console, spawnPty } from "../../../src/console/index.ts";
import { Deadline } from "../../../src/deadline.ts";
import { login } from "../../../src/guest/index.ts";
import { scriptedTransport, type ScriptedTransport } from "../../fixtures/scripted-transport.ts";

const fixtures = fileURLToPath(new URL("../../fixtures/", import.meta.url));

/** A shell that says what it is asked to say, once it reads. */
function answering(transport: ScriptedTransport): void {
  transport.onTyped = (piece) => {
    const word = /echo dry''boot-(\w+)/.exec(piece)?.[1];
    if (word !== undefined) transport.emit(`${piece}\n\x1b[?2004l\rdryboot-${word}\r\r\n# `);
  };
}

test.concurrent.each(["autologin", "slow-boot", "services-switch-poweroff", "graphical-default"])(
  "a recorded boot is left alone up to its prompt, then logged in to: %s",
  async (name) => {
    const raw = readFileSync(join(fixtures, `transcripts/nixos-19.03-${name}.raw`), "latin1");
    const boot = raw.slice(0, raw.indexOf("]#\x1b[0m ") + "]#\x1b[0m ".length);
    const transport = scriptedTransport();
    const console = new Console(transport);
    const loggedIn = login(console, { deadline: Deadline.after(5000) });
    for (let at = 0; at < boot.length; at += 997) {
      // oxlint-disable-next-line no-control-regex -- answers to the guest's questions are typed too
      expect(transport.typed.replaceAll(/\x1b\[[\d;?]*[Rcnt]/g, "")).toBe("");
      transport.emit(Buffer.from(boot.slice(at, at + 997), "latin1"));
      if (at % 7 === 0) await new Promise((resolve) => setTimeout(resolve, 5));
    }
    answering(transport);
    await loggedIn;
    expect(transport.typed).toContain("dry''boot");
  },
);

test.concurrent("a login prompt that goes on by itself is typed nothing at", async () => {
  const transport = scriptedTransport();
  answering(transport);
  const loggedIn = login(new Console(transport), { deadline: Deadline.after(8000) });
  transport.emit("\r\nnixos login: ");
  await new Promise((resolve) => setTimeout(resolve, 300));
  transport.emit("root (automatic login)\r\n\r\n# ");
  await loggedIn;
  expect(transport.typed).not.toMatch(/^root/);
});

test.concurrent("what only looks like a prompt until its line goes on is typed nothing at", async () => {
  const transport = scriptedTransport();
  const loggedIn = login(new Console(transport), { deadline: Deadline.after(8000) });
  transport.emit("\r\ncopying the store: 50 % ");
  await new Promise((resolve) => setTimeout(resolve, 20));
  transport.emit("100 %, done\r\n");
  await new Promise((resolve) => setTimeout(resolve, 300));
  expect(transport.typed).toBe("");
  answering(transport);
  transport.emit("# ");
  await loggedIn;
});

test.concurrent("a console that refuses root ends the login at once, and says how root gets in", async () => {
  const transport = scriptedTransport();
  const loggedIn = login(new Console(transport), { deadline: Deadline.after(8000) });
  transport.onTyped = () => transport.emit("root\r\nLogin incorrect\r\n\r\nhost login: ");
  transport.emit("\r\nhost login: ");
  await expect(loggedIn).rejects.toMatchObject({
    code: "BOOT_FAILED",
    message: "the console refused root without a password, and dryboot has none to give",
    hint: expect.stringContaining("autologinUser"),
  });
});

test.concurrent("a console that asks who it is again is not answered again", async () => {
  const transport = scriptedTransport();
  const loggedIn = login(new Console(transport), { deadline: Deadline.after(20_000) });
  transport.onTyped = () => transport.emit("root\r\n\r\nhost login: ");
  transport.emit("\r\nhost login: ");
  await expect(loggedIn).rejects.toMatchObject({
    code: "BOOT_FAILED",
    message: "the console asks for root's password, and dryboot has none to give",
  });
  expect(transport.typed).toBe("root\r");
});

test.concurrent("a kernel message behind the prompt does not hide the shell", async () => {
  const transport = scriptedTransport();
  answering(transport);
  const loggedIn = login(new Console(transport), { deadline: Deadline.after(3000) });
  transport.emit(
    "nixos login: root (automatic login)\r\n\r\n[root@nixos:~]# [   30.1] random: crng init done\r\n",
  );
  await loggedIn;
});

test.concurrent("a shell that starts to read late is asked again", async () => {
  const transport = scriptedTransport();
  const loggedIn = login(new Console(transport), { deadline: Deadline.after(8000) });
  let asked = 0;
  transport.onTyped = (piece) => {
    asked += 1;
    if (asked === 2) transport.emit(`dryboot-${/boot-(\w+)/.exec(piece)?.[1]}\r\n`);
  };
  transport.emit("\r\nroot@host:~# ");
  await loggedIn;
  expect(asked).toBe(2);
});

test.concurrent("root is logged in at a plain login prompt where no password is needed", async () => {
  const transport = scriptedTransport();
  const loggedIn = login(new Console(transport), { deadline: Deadline.after(8000) });
  transport.onTyped = (piece) => {
    if (piece !== "root\r") return;
    answering(transport);
    transport.emit("root\r\n\r\n# ");
  };
  transport.emit("\r\nhost login: ");
  await loggedIn;
});

function start(script: string): { readonly console: Console; readonly directory: string } {
  const directory = mkdtempSync(join(tmpdir(), "dryboot-login-test-"));
  const env = { ...process.env, TMPDIR: directory, NIX_DISK_IMAGE: join(directory, "disk") };
  const pty = spawnPty({ file: join(fixtures, "run-scripts", script), cwd: directory, env });
  return { console: new Console(pty), directory };
}

test.concurrent.each([
  ["asks-for-password.sh", "BOOT_FAILED", /password|refused/],
  ["panics.sh", "BOOT_FAILED", /kernel panic/],
  ["stage-1-fails.sh", "BOOT_FAILED", /stage 1 failure/],
  ["emergency.sh", "BOOT_FAILED", /emergency mode/],
  ["dies.sh", "BOOT_FAILED", /exit code 1: qemu-system-x86_64: -drive .*No such file/],
  ["reboots.sh", "BOOT_FAILED", /unexpected reboot/],
  ["silent.sh", "BOOT_TIMEOUT", /no root prompt within 300 ms and printed nothing/],
])(
  "%s ends the login with %s",
  async (script, code, message) => {
    const { console, directory } = start(script);
    try {
      const deadline = Deadline.after(script === "silent.sh" ? 300 : 20_000);
      const error = await login(console, { deadline }).catch((reason: unknown) => reason);
      expect(error).toMatchObject({ code, message: expect.stringMatching(message) });
    } finally {
      await console.terminate();
      rmSync(directory, { recursive: true });
    }
  },
  25_000,
);

test.concurrent("a real bash at the fake guest's prompt is logged in to", async () => {
  const { console, directory } = start("fake-guest.sh");
  await login(console, { deadline: Deadline.after(10_000) });
  expect(console.failure).toBeUndefined();
  await console.terminate();
  expect(console.failure?.code).toBe("GUEST_LOST");
  rmSync(directory, { recursive: true });
});
