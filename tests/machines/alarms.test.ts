// QEMU's own view of a guest, and what becomes of waits when the guest is lost.
import { rmSync } from "node:fs";
import { GuestLostError } from "dryboot";
import { expect, test } from "dryboot/test";

test.for([
  { alarm: "emergency mode", unit: "emergency.target" },
  { alarm: "unexpected reboot", unit: "reboot.target" },
])(
  "a boot that ends in $unit is over with its first line",
  async ({ alarm, unit }, { machines }) => {
    const started = machines.start("minimal", { kernelParameters: [`systemd.unit=${unit}`] });

    const failure = await started.catch((error: unknown) => error);
    expect(failure).toMatchObject({
      code: "BOOT_FAILED",
      exitCode: 4,
      message: expect.stringContaining(alarm),
      details: expect.arrayContaining([expect.stringMatching(/^Kept: /)]),
    });
    for (const directory of keptDirectories(failure)) rmSync(directory, { recursive: true });
  },
);

test("a forwarded port leads into the guest until its network is blocked", async ({ machines }) => {
  const web = await machines.shared("web");
  await expect(web.port(80)).toBeListening();

  const port = await web.forward(80);
  expect(await front(port)).toContain("Welcome to web");

  await web.block();
  await expect(front(port, 3000)).rejects.toThrow();
  await web.unblock();
  expect(await front(port)).toContain("Welcome to web");
});

test("a screenshot is an image, and a key reaches the guest's keyboard", async ({ machines }) => {
  const web = await machines.shared("web");

  const image = Buffer.from(await web.screenshot());
  expect(image.subarray(1, 4).toString()).toBe("PNG");

  await web.sendKey("ret");
  await expect(web.sendKey("no-such-key")).rejects.toThrow(/could not press no-such-key/);
});

test("a panic that the console does not show fails what waits at once, and every later call", async ({
  machines,
}) => {
  const web = await machines.shared("web");

  await web.succeed("echo N >/sys/class/tty/ttyS0/console");
  // Later and by itself: over the console, commands are run one after the other.
  await web.succeed("(sleep 2; echo c >/proc/sysrq-trigger) >/dev/null 2>&1 &");
  const waits = [
    web.waitForConsoleText("never printed"),
    web.waitUntilSucceeds("false"),
    web.run("sleep 1000"),
  ];
  for (const outcome of await Promise.allSettled(waits)) {
    expect(outcome).toMatchObject({
      status: "rejected",
      reason: {
        code: "GUEST_LOST",
        exitCode: 4,
        message: expect.stringMatching(/kernel panic.*reported by QEMU/),
      },
    });
  }
  await expect(web.run("true")).rejects.toMatchObject({ cause: { code: "GUEST_LOST" } });
});

async function front(port: number, limitMs = 15_000): Promise<string> {
  const signal = AbortSignal.timeout(limitMs);
  return (await fetch(`http://127.0.0.1:${port}/`, { signal })).text();
}

function keptDirectories(failure: unknown): string[] {
  const details = failure instanceof GuestLostError ? failure.details : [];
  return details.flatMap((line) => /^Kept: (\S+)/.exec(line)?.[1] ?? []);
}
