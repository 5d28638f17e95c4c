import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { Deadline } from "../../../src/deadline.ts";
import { chooseAccelerator, connectQmp } from "../../../src/qemu/index.ts";
import { probeExitCode, probeImage } from "../../../src/qemu/probe-image.ts";

let directory: string;
let device: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "dryboot-accelerator-test-"));
  device = join(directory, "kvm");
});
afterEach(() => rmSync(directory, { recursive: true }));

/** A QEMU that behaves as told under each accelerator, and counts its starts. */
function fakeQemu({
  underKvm,
  underTcg,
}: {
  readonly underKvm: string;
  readonly underTcg: string;
}): string {
  const path = join(directory, "qemu");
  writeFileSync(device, "");
  writeFileSync(
    path,
    `#!/usr/bin/env bash\necho x >>${directory}/starts\ncase $* in *accel=kvm*) ${underKvm} ;; *) ${underTcg} ;; esac\n`,
    { mode: 0o755 },
  );
  return path;
}

const done = `exit ${probeExitCode}`;

test("the probe is an executable of a few hundred bytes", () => {
  const image = probeImage(100);
  expect(image.length).toBeLessThan(600);
  expect(Buffer.from(image.subarray(0, 4)).toString("latin1")).toBe("\x7fELF");
});

test("a KVM that works is used", async () => {
  const qemu = fakeQemu({ underKvm: done, underTcg: done });
  const accelerator = await chooseAccelerator({ qemu, device, cacheDirectory: directory });
  expect(accelerator).toMatchObject({ name: "kvm", probe: { kvmMs: expect.any(Number) } });
  expect(accelerator.warning).toBeUndefined();
});

test("a KVM that crawls is found out once, and TCG used", async () => {
  const qemu = fakeQemu({ underKvm: "exec sleep 60", underTcg: done });
  const options = { qemu, device, cacheDirectory: directory, limitMs: 500 };
  const first = await chooseAccelerator(options);
  expect(first).toMatchObject({
    name: "tcg",
    qemuArguments: expect.arrayContaining(["-machine", "accel=tcg"]),
    warning: expect.stringMatching(
      /^KVM is present but runs guests more than \d+× slower than TCG: using TCG$/,
    ),
  });
  expect(first.timeoutScale).toBeGreaterThan(1);
  rmSync(join(directory, "starts"));
  expect(await chooseAccelerator(options)).toEqual(first);
  expect(() => rmSync(join(directory, "starts"))).toThrow();

  // Another QEMU is measured for itself, and does not displace the first.
  const link = join(directory, "other-qemu");
  symlinkSync(qemu, link);
  await chooseAccelerator({ ...options, qemu: link });
  rmSync(join(directory, "starts"));
  expect(await chooseAccelerator(options)).toEqual(first);
  expect(() => rmSync(join(directory, "starts"))).toThrow();
});

test("a KVM that refuses is no reason to fail unless it was asked for", async () => {
  const qemu = fakeQemu({
    underKvm: "echo 'failed to initialize kvm: Permission denied' >&2; exit 1",
    underTcg: done,
  });
  const options = { qemu, device, cacheDirectory: directory };
  expect(await chooseAccelerator(options)).toMatchObject({ name: "tcg" });
  await expect(chooseAccelerator({ ...options, request: "kvm" })).rejects.toMatchObject({
    code: "HOST_RESOURCES",
    message: expect.stringContaining("Permission denied"),
  });
});

test("a host without KVM uses TCG without a word", async () => {
  const accelerator = await chooseAccelerator({ device, cacheDirectory: directory });
  expect(accelerator.name).toBe("tcg");
  expect(accelerator.warning).toBeUndefined();
});

test("a missing QEMU is an error of this host", async () => {
  writeFileSync(device, "");
  const choice = chooseAccelerator({
    qemu: join(directory, "qemu"),
    device,
    cacheDirectory: directory,
  });
  await expect(choice).rejects.toMatchObject({ code: "QEMU_MISSING", exitCode: 5 });
});

test.each(["max", "qemu64", "Haswell"])(
  "an emulated %s processor offers the kernel no copying byte by byte",
  async (model) => {
    const { qemuArguments } = await chooseAccelerator({ request: "tcg" });
    const socket = join(directory, "qmp");
    const monitor = ["-qmp", `unix:${socket},server=on,wait=off`];
    const qemu = execa(
      "qemu-system-x86_64",
      ["-nodefaults", "-display", "none", "-S", "-cpu", model, ...qemuArguments, ...monitor],
      { reject: false },
    );
    const deadline = Deadline.after(20_000);
    using qmp = await connectQmp(socket, deadline);

    const cpu = { path: "/machine/unattached/device[0]" };
    const property = (name: string) =>
      qmp.execute("qom-get", { arguments: { ...cpu, property: name }, deadline });
    expect(await property("type")).toBe(`${model}-x86_64-cpu`);
    expect(await property("erms")).toBe(false);

    await qmp.execute("quit", { deadline });
    expect((await qemu).stderr).not.toContain("erms");
  },
);
