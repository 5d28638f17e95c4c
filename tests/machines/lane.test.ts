// Commands over the lane while the guest is switched, isolated, starved and reset, and while it loses the lane's agent.
import { randomBytes } from "node:crypto";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test, type Machines } from "dryboot/test";
import type { Machine } from "dryboot";
import { scriptedMachine } from "../fixtures/scripted-machine.ts";

const fixture = fileURLToPath(new URL("../fixtures/machines/two-systems.nix", import.meta.url));

const cli = fileURLToPath(new URL("../../bin/dryboot.js", import.meta.url));

const guest = async (machines: Machines): Promise<Machine> => {
  const machine = await machines.shared(fixture);
  expect(machine.commandWay).toEqual({ kind: "lane" });
  return machine;
};

test("a user's command reaches that user's systemd", async ({ machines }) => {
  const machine = await guest(machines);
  const { stdout } = await machine.run(
    'id -un; systemctl --user is-active default.target; [ -S "${DBUS_SESSION_BUS_ADDRESS#unix:path=}" ]',
    { user: "visitor" },
  );
  expect(stdout).toBe("visitor\nactive\n");
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
  const outliving = machine.run("until [ -e /run/switched ]; do sleep 0.2; done; printf %s $WHICH");
  const second = await machine.succeed(`readlink -n -f ${machine.vmSystem}/specialisation/second`);

  await machine.switchTo(second);
  await expect(machine.unit("second.service")).toBeActive();
  expect(await machine.currentSystem()).toBe(second);
  expect(await Promise.all(Array.from({ length: 9 }, which))).toEqual(Array(9).fill("second"));
  await machine.succeed("touch /run/switched");
  expect((await outliving).stdout).toBe("first");
});

test("a switch to a system that the guest does not have is told from one that fails", async ({
  machines,
}) => {
  const machine = await guest(machines);
  await expect(machine.switchTo("/nix/store/none")).rejects.toMatchObject({
    code: "USAGE",
    message: "two-systems: there is no system /nix/store/none in the guest's store",
  });
  await machine.succeed(`mkdir -p /run/bad/bin
    printf '#!/bin/sh\necho the switch went wrong >&2; exit 4' >/run/bad/bin/switch-to-configuration
    chmod +x /run/bad/bin/switch-to-configuration`);
  await expect(machine.switchTo("/run/bad")).rejects.toMatchObject({
    code: "COMMAND_FAILED",
    message: "two-systems: command failed with exit code 4: switch to /run/bad",
    stderr: "the switch went wrong\n",
  });
});

test("the lane outlives a jump of the guest's clock", async ({ machines }) => {
  const machine = await guest(machines);
  const agents = (): Promise<string> => machine.succeed("sleep 0.5; ls -d /run/dryboot/lane-*");
  const before = await agents();
  // After its first second the agent knows of a limit, and listens no longer than that.
  const waiting = machine.run("sleep 2; touch /run/armed; sleep 1; echo through", {
    timeoutMs: 60_000,
  });
  await expect(machine.file("/run/armed")).toExist();
  await machine.succeed("date --set '+2 hours'");
  expect((await waiting).stdout).toBe("through\n");
  expect(await agents()).toBe(before);
  await machine.succeed("date --set '-2 hours'");
});

test("an OOM kill elsewhere is no concern of the lane", async ({ machines }) => {
  const machine = await guest(machines);
  const waiting = machine.run("until [ -e /run/killed ]; do sleep 0.2; done; echo through");
  const { stderr } = await machine.execute(
    "systemd-run --wait -p MemoryMax=30M -p MemorySwapMax=0 bash -c 'head -c 200M /dev/zero | tail'",
  );
  expect(stderr).toContain("oom-kill");
  // The agent itself is spared; its commands are not.
  expect(await machine.readFile("/proc/self/oom_score_adj")).toBe("0\n");
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

test("what a background process writes after its command is kept apart from every result", async ({
  machines,
}) => {
  const machine = await guest(machines);
  const command = "echo now; (until [ -e /run/late ]; do sleep 0.1; done; echo late) &";
  expect(await machine.succeed(command)).toBe("now\n");
  expect(await machine.succeed("touch /run/late; echo other")).toBe("other\n");
  await expect
    .poll(() => machine.lateOutput())
    .toContainEqual({ command, stdout: "late\n", stderr: "" });
});

// A command's parent is its worker, whose parent is the agent.
const killAgent = "kill -KILL $(cut -d ' ' -f 4 /proc/$PPID/stat)";

test("a lane whose agent is killed fails what runs, and is opened again for the next command", async ({
  machines,
}) => {
  const machine = await guest(machines);
  const pending = [machine.run(`sleep 1; ${killAgent}; sleep 1001`), machine.run("sleep 1002")];
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

// Kills the lane's agent, and writes to its workers' ports what they would say, and noise.
const garbage = `
key=$(pgrep -af 'bash /run/dryboot/lane-' | grep -om1 '[0-9a-f]\\{32\\}')
pkill -KILL -f 'bash /run/dryboot/lane-'
for port in /sys/class/virtio-ports/*; do
  name=
  read -r name <$port/name
  [[ $name == dryboot.[0-9]* ]] || continue
  { printf "$key %s\\n" hello 'pong 1' '000 r 0' '000 e 0'; head -c 100K /dev/urandom; } |
    timeout 2 bash -c "exec cat >/dev/\${port##*/}" &
done
wait
touch /run/flooded`;

test("garbage from root on the lane loses what runs at most, and is nobody's answer", async ({
  machines,
}) => {
  const machine = await guest(machines);
  await machine.writeFile("/run/garbage", garbage);
  const start = `systemd-run -E PATH="$PATH" bash -c 'sleep 1; . /run/garbage'`;
  await expect(machine.run(`${start}; sleep 1003`)).rejects.toMatchObject({ code: "GUEST_LOST" });
  // What takes a port from the agent that is opened again may take one command more with it.
  const again = await machine.run("echo right").catch((error: { code: string }) => error.code);
  if (typeof again === "string") expect(again).toBe("GUEST_LOST");
  else expect(again.stdout).toBe("right\n");
  await machine.waitForFile("/run/flooded");
  expect(await machine.succeed("head -c 3000 /dev/zero | wc -c")).toBe("3000\n");
});

test("a lane that is lost three times is given up for the console, on which the same calls give the same", async ({
  machines,
}) => {
  const machine = await machines.shared(fixture);
  while (machine.commandWay.kind === "lane") {
    await expect(machine.run(`${killAgent}; sleep 1004`)).rejects.toMatchObject({
      code: "GUEST_LOST",
    });
    expect(await machine.succeed("echo back")).toBe("back\n");
  }
  expect(machine.commandWay).toEqual({ kind: "serial", reason: "it was lost 3 times" });

  const input = new Uint8Array(randomBytes(40_000));
  const [whole, user, killed] = await Promise.all([
    machine.run("cat; echo apart >&2", { stdin: input, encoding: "buffer" }),
    machine.run("id -un; systemctl --user is-active default.target", { user: "visitor" }),
    machine.execute(["bash", "-c", "kill -SEGV $$"]),
  ]);
  const overdue = await machine.execute("trap '' TERM; while :; do sleep 0.1234; done", {
    timeoutMs: 2000,
  });
  expect(Buffer.compare(whole.stdout, input)).toBe(0);
  expect(Buffer.from(whole.stderr).toString()).toBe("apart\n");
  expect(user.stdout).toBe("visitor\nactive\n");
  expect(killed).toMatchObject({ exitCode: undefined, signal: "SIGSEGV" });
  expect(overdue).toMatchObject({ exitCode: undefined, timedOut: true });
  await expect(machine.process("sleep", { commandLine: "sleep 0.1234" })).not.toBeRunning();
});

test("what was synced outlives a crash, and the guest starts again on the same disk, with a lane", async ({
  machines,
}) => {
  const machine = await machines.shared(fixture);
  const bootId = () => machine.readFile("/proc/sys/kernel/random/boot_id");
  const before = await bootId();
  await machine.forward(22);
  await machine.succeed("echo across the crash >/root/kept; sync");

  await machine.crash();
  expect(machine.isUp).toBe(false);
  await machine.start();

  expect(machine.commandWay).toEqual({ kind: "lane" });
  expect(await bootId()).not.toBe(before);
  await expect(machine.file("/root/kept")).toHaveContent("across the crash\n");
  const forwards = () => machine.monitorCommand("info usernet");
  expect(await forwards()).not.toContain("HOST_FORWARD");
  await machine.forward(22);
  expect(await forwards()).toContain("HOST_FORWARD");
  await expect(machine.unit("multi-user.target")).toBeActive();
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

  const { stderr, ...ended } = await dryboot;
  expect(ended).toMatchObject({ exitCode: 130, stdout: "got one\ngot two\ncleaned" });
  expect(stderr.match(/commands: .*/g)).toEqual(["commands: lane"]);
  expect(readdirSync(temporary)).toEqual([]);
  rmSync(temporary, { recursive: true });
});

test("dryboot run passes hundreds of kilobytes through over the console too", async () => {
  const input = randomBytes(300_000);
  const words = [...scriptedMachine({ script: "fake-guest" }), "--accel", "tcg", "--no-lane"];
  const { stdout, stderr } = await execa(process.execPath, [cli, "run", ...words, "--", "cat"], {
    input,
    encoding: "buffer",
  });
  expect(Buffer.compare(stdout, input)).toBe(0);
  // Which way it is gets said once.
  expect(
    Buffer.from(stderr)
      .toString()
      .match(/commands: .*/g),
  ).toEqual(["commands: serial (no lane: it was not wanted)"]);
});
