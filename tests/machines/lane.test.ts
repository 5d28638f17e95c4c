// Commands over the lane while the guest is switched, isolated, starved and reset, and while it loses the lane's agent.
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test, type Machines } from "dryboot/test";
import type { Machine } from "dryboot";

const fixture = fileURLToPath(new URL("../fixtures/machines/two-systems.nix", import.meta.url));

const guest = async (machines: Machines): Promise<Machine> => {
  const machine = await machines.shared(fixture);
  expect(machine.commandWay).toEqual({ kind: "lane" });
  return machine;
};

test("a user's command reaches that user's systemd", async ({ machines }) => {
  const machine = await guest(machines);
  const { stdout } = await machine.run(
    "id -un; systemctl --user is-active default.target; systemctl --user show -P UID -- -.slice | cat",
    { user: "visitor" },
  );
  expect(stdout.split("\n").slice(0, 2)).toEqual(["visitor", "active"]);
});

test("all workers are there beside a virtio port that has no name", async ({ machines }) => {
  const machine = await guest(machines);
  await machine.succeed(
    "for port in /sys/class/virtio-ports/*; do [ -e $port/name ] || exit 0; done; exit 1",
  );
  const numbers = Array.from({ length: 16 }, (_, index) => String(index));
  const outputs = await Promise.all(numbers.map((number) => machine.succeed(`printf ${number}`)));
  expect(outputs).toEqual(numbers);
});

test("a command outlives daemon-reexec and the isolation of another target", async ({
  machines,
}) => {
  const machine = await guest(machines);
  const waiting = machine.run("until [ -e /run/go ]; do sleep 0.2; done; echo through");
  await machine.succeed("systemctl daemon-reexec");
  await machine.succeed(
    "printf '[Unit]\\nAllowIsolate=yes\\nRequires=sysinit.target\\n' >/run/systemd/system/quiet.target",
    "systemctl daemon-reload",
    "systemctl isolate quiet.target",
  );
  await expect(machine.unit("multi-user.target")).not.toBeActive();
  await machine.succeed("systemctl isolate multi-user.target; touch /run/go");
  expect((await waiting).stdout).toBe("through\n");
  await expect(machine.unit("multi-user.target")).toBeActive();
});

test("a command outlives the switch to another system, and the next one has its environment", async ({
  machines,
}) => {
  const machine = await guest(machines);
  const which = (): Promise<string> => machine.succeed("printf %s $WHICH");
  expect(await which()).toBe("first");

  const second = `${machine.vmSystem}/specialisation/second`;
  const { stdout } = await machine.run(
    `${second}/bin/switch-to-configuration test >&2; printf %s $WHICH`,
  );
  expect(stdout).toBe("first");
  await expect(machine.unit("second.service")).toBeActive();
  expect(await Promise.all(Array.from({ length: 9 }, which))).toEqual(Array(9).fill("second"));

  await machine.succeed(`${machine.vmSystem}/bin/switch-to-configuration test`);
  expect(await which()).toBe("first");
});

test("an OOM kill elsewhere is no concern of the lane", async ({ machines }) => {
  const machine = await guest(machines);
  const waiting = machine.run("until [ -e /run/killed ]; do sleep 0.2; done; echo through");
  const { stderr } = await machine.execute(
    "systemd-run --wait -p MemoryMax=30M -p MemorySwapMax=0 bash -c 'head -c 200M /dev/zero | tail'",
  );
  expect(stderr).toContain("oom-kill");
  await machine.succeed("touch /run/killed");
  expect((await waiting).stdout).toBe("through\n");
});

test("input and output of any length stream through without filling the memory", async ({
  machines,
}) => {
  const machine = await guest(machines);
  const totalBytes = 24_000_000;
  let given = 0;
  let received = 0;
  const source = async function* (): AsyncGenerator<Uint8Array> {
    for (; given < totalBytes; given += 64_000) yield Buffer.alloc(64_000, given / 64_000);
  };
  const before = process.memoryUsage().arrayBuffers;
  const { stdout, truncated } = await machine.run("tee >(sha256sum >&2) | cat", {
    stdin: source(),
    maxOutputBytes: 0,
    onOutput: (stream, bytes) => {
      if (stream === "stdout") received += bytes.length;
    },
  });
  expect({ given, received, stdout, truncated }).toEqual({
    given: totalBytes,
    received: totalBytes,
    stdout: "",
    truncated: true,
  });
  expect(process.memoryUsage().arrayBuffers - before).toBeLessThan(30_000_000);
});

test("a lane whose agent is killed fails what runs, and is opened again for the next command", async ({
  machines,
}) => {
  const machine = await guest(machines);
  const supervisor = "$(cut -d ' ' -f 4 /proc/$PPID/stat)";
  const pending = [
    machine.run(`sleep 1; kill -KILL ${supervisor}; sleep 1001`),
    machine.run("sleep 1002"),
  ];
  for (const outcome of await Promise.allSettled(pending)) {
    expect(outcome).toMatchObject({
      status: "rejected",
      reason: {
        code: "GUEST_LOST",
        message: expect.stringMatching(
          /^two-systems: the command lane is lost: .*; could not run: sleep/,
        ),
      },
    });
  }
  // Nobody hears of those two any more, so they do not go on.
  await machine.succeed("! pgrep -f 'sleep 100[12]'");
  expect(machine.commandWay).toEqual({ kind: "lane" });
});

test("a reset that nobody asked for fails at once all that is pending", async ({ machines }) => {
  const machine = await guest(machines);
  const pending = [
    machine.run("sleep 1; echo b >/proc/sysrq-trigger; sleep 1000"),
    machine.run("sleep 1000"),
    machine.waitForConsoleText("never printed"),
  ];
  for (const outcome of await Promise.allSettled(pending)) {
    expect(outcome).toMatchObject({
      status: "rejected",
      reason: { code: "GUEST_LOST", message: expect.stringMatching(/unexpected reboot/) },
    });
  }
  await machine.kill();
});

test("dryboot run passes input, output and Ctrl-C through as they come, and leaves nothing", async () => {
  const temporary = mkdtempSync(join(tmpdir(), "lane-test-"));
  const cli = fileURLToPath(new URL("../../bin/dryboot.js", import.meta.url));
  const script =
    "trap 'echo cleaned; exit 3' INT; while read -r line; do echo got $line; done; echo end";
  const dryboot = execa(process.execPath, [cli, "run", fixture, "--", "bash", "-c", script], {
    reject: false,
    stdin: "pipe",
    env: { TMPDIR: temporary },
  });
  let output = "";
  dryboot.stdout.on("data", (bytes: Buffer) => (output += bytes.toString()));
  const showing = (text: string): Promise<void> =>
    expect.poll(() => output, { timeout: 400_000 }).toBe(text);

  dryboot.stdin.write("one\n");
  await showing("got one\n");
  dryboot.stdin.write("two\n");
  await showing("got one\ngot two\n");
  dryboot.kill("SIGINT");

  expect(await dryboot).toMatchObject({ exitCode: 130, stdout: "got one\ngot two\ncleaned" });
  expect(readdirSync(temporary)).toEqual([]);
  rmSync(temporary, { recursive: true });
});
