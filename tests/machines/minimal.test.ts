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

test("what was synced outlives a crash, and the guest starts again on the same disk", async ({
  machines,
}) => {
  const minimal = await machines.shared("minimal");
  const bootId = () => minimal.readFile("/proc/sys/kernel/random/boot_id");
  const before = await bootId();
  await minimal.forward(22);
  await minimal.succeed("echo across the crash >/root/kept; sync");

  await minimal.crash();
  expect(minimal.isUp).toBe(false);
  await minimal.start();

  expect(await bootId()).not.toBe(before);
  expect(minimal.commandWay).toEqual({ kind: "lane" });
  await expect(minimal.file("/root/kept")).toHaveContent("across the crash\n");
  const forwards = () => minimal.monitorCommand("info usernet");
  expect(await forwards()).not.toContain("HOST_FORWARD");
  await minimal.forward(22);
  expect(await forwards()).toContain("HOST_FORWARD");
  await expect(minimal.unit("multi-user.target")).toBeActive();
});

test("switches itself off", async ({ machines }) => {
  const minimal = await machines.shared("minimal");

  await minimal.shutdown();
});
