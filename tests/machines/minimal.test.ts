import { rmSync } from "node:fs";
import { GuestLostError } from "dryboot";
import { expect, secret, test } from "dryboot/test";

test("boots to its default target with no failed unit", async ({ machines }) => {
  const minimal = await machines.shared("minimal");

  await expect(minimal.unit("multi-user.target")).toBeActive();
  expect(await minimal.failedUnits()).toEqual([]);
});

test("runs the closure that was built", async ({ machines }) => {
  const minimal = await machines.shared("minimal");

  expect(await minimal.currentSystem()).toBe(minimal.vmSystem);
});

test("under TCG, and only there, programs lie at the same addresses at each start", async ({
  machines,
}) => {
  const minimal = await machines.shared("minimal");
  const places = await minimal.$`for _ in {1..8}; do head -1 /proc/self/maps; done | sort -u`;
  const tcg = minimal.accelerator.name === "tcg";

  expect(places.stdout.trim().split("\n")).toHaveLength(tcg ? 1 : 8);
  await expect(minimal.sysctl("kernel.randomize_va_space")).toHaveValue(tcg ? 0 : 2);
});

test("commands give back output, errors and exit code apart", async ({ machines }) => {
  const minimal = await machines.shared("minimal");
  const name = "it's a $HOME; of `quotes`";

  const { stdout } = await minimal.$`printf %s ${name}`;
  expect(stdout).toBe(name);

  const failed = await minimal.execute("echo out; echo err >&2; exit 3");
  expect(failed).toMatchObject({ exitCode: 3, stdout: "out\n", stderr: "err\n" });
});

test("a secret reaches commands and files, and stands in no text of the console", async ({
  machines,
}) => {
  const minimal = await machines.shared("minimal");
  const token = "zq-minimal-9f81c0";

  await minimal.writeFile("/run/token", token, { secret: true });
  const script = 'tee /dev/console </run/token; echo " $TOKEN" >/dev/console; echo "$TOKEN"';
  const { stdout } = await minimal.run(script, { environment: { TOKEN: secret(token) } });

  expect(stdout).toBe(`${token}${token}\n`);
  await minimal.waitForConsoleText(`${token} ${token}`);
  expect(minimal.consoleText()).toContain("•••• ••••");
  expect(minimal.consoleText()).not.toContain(token);
});

test("goes back to a checkpoint, whatever has become of it since", async ({ machines }) => {
  const minimal = await machines.shared("minimal");
  await minimal.succeed("echo before >/root/state; date --set='-1 hour'; ! test -e /run/gone");
  const checkpoint = await minimal.checkpoint();

  await minimal.succeed("rm /root/state; touch /run/gone; systemctl mask --runtime dbus; sync");
  const endless = minimal.run("sleep 606");
  endless.catch(() => {});
  await minimal.forward(22);
  await minimal.restore(checkpoint);

  await expect(endless).rejects.toThrow("the guest has ended");
  expect(minimal.commandWay).toEqual({ kind: "lane" });
  await expect(minimal.file("/root/state")).toHaveContent("before\n");
  await expect(minimal.file("/run/gone")).not.toExist();
  await expect(minimal.unit("dbus.service")).not.toBeMasked();
  await expect(minimal.process("sleep")).not.toBeRunning();
  const behindMs = Date.now() - Number((await minimal.$`date +%s`).stdout) * 1000;
  expect(Math.abs(behindMs)).toBeLessThan(60_000);
  expect(await minimal.monitorCommand("info usernet")).not.toContain("HOST_FORWARD");
  expect(minimal.consoleText()).toContain("<<< NixOS Stage 2 >>>");

  await minimal.crash();
  await minimal.restore(checkpoint);
  await expect(minimal.file("/root/state")).toHaveContent("before\n");
});

test("forks go on from one moment, each for itself", async ({ machines }) => {
  const minimal = await machines.shared("minimal");
  await minimal.writeFile("/run/moment", "shared");
  const [left, right] = await minimal.fork(2);
  if (left === undefined || right === undefined) return expect.fail("two were asked for");

  await left.writeFile("/run/moment", "left");
  await right.succeed("systemctl stop dbus.service dbus.socket");
  await minimal.writeFile("/run/moment", "here");

  expect([left.name, right.name]).toEqual(["minimal-fork1", "minimal-fork2"]);
  await expect(left.file("/run/moment")).toHaveContent("left");
  await expect(right.file("/run/moment")).toHaveContent("shared");
  await expect(left.unit("dbus.service")).toBeActive();
  await expect(right.unit("dbus.service")).not.toBeActive();
  expect(right.consoleText()).toContain("<<< NixOS Stage 2 >>>");
  // What the host lent to the first is not theirs.
  expect(await right.forward(22)).not.toBe(await minimal.forward(22));
  await right.crash();
  expect(await left.readFile("/run/moment")).toBe("left");
});

test("a second guest of the same vm goes on from its boot, and sees nothing of the first", async ({
  machines,
}) => {
  const minimal = await machines.shared("minimal");
  await minimal.writeFile("/root/mine", "");
  const other = await machines.start("minimal");

  expect(other.phases.map(({ name }) => name)).toEqual(["restore"]);
  expect(other.consoleText()).toContain("<<< NixOS Stage 2 >>>");
  expect(other.consoleText()).not.toContain("unset HISTFILE");
  await expect(other.unit("multi-user.target")).toBeActive();
  await expect(other.file("/root/mine")).not.toExist();
  const checkpoint = await other.checkpoint();
  await expect(minimal.restore(checkpoint)).rejects.toThrow("is of another guest");
});

test("a cold start is a boot, whatever checkpoint there is", async ({ machines }) => {
  await machines.shared("minimal");
  const failure: unknown = await machines
    .start("minimal", { cold: true, timeoutMs: 1000 })
    .catch((reason: unknown) => reason);

  if (!(failure instanceof GuestLostError)) return expect.fail("no boot takes so little");
  // From the checkpoint that the first has left it would be at `restore`.
  expect(failure.message).toMatch(/at (?:qemu|stage 1)/);
  const [, kept = ""] = /^Kept: (\S+)/m.exec(failure.details.join("\n")) ?? [];
  rmSync(kept, { recursive: true });
});

test("switches itself off", async ({ machines }) => {
  const minimal = await machines.shared("minimal");

  await minimal.shutdown();
});
