import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test, vi } from "vitest";
import { boot, build, launch } from "../../../src/launch/index.ts";
import type { Progress } from "../../../src/machine/index.ts";

const fixture = (path: string): string =>
  fileURLToPath(new URL(`../../fixtures/${path}`, import.meta.url));

const cwd = mkdtempSync(join(tmpdir(), "launch-test-"));
const options = { cwd, nixpkgs: fixture("nixpkgs/new"), accelerator: "tcg" } as const;

beforeAll(() => {
  vi.stubEnv("NIX_CONFIG", "sandbox = false\nsubstitute = false");
  mkdirSync(join(cwd, "machines"));
  writeFileSync(join(cwd, "machines/web.nix"), `{ networking.hostName = "web"; }`);
});

afterAll(() => {
  vi.unstubAllEnvs();
  rmSync(cwd, { recursive: true });
});

test("a machine is evaluated and built, and each phase has its time", async () => {
  const progress: Progress[] = [];
  const { vm, phases } = await build("web", {
    ...options,
    onProgress: (event) => progress.push(event),
  });
  expect(vm.runScript).toMatch(/\/bin\/run-web-vm$/);
  expect(phases.map(({ name }) => name)).toEqual(["nixpkgs", "evaluate", "build"]);
  expect([...new Set(progress.map(({ phase }) => phase))]).toEqual(["evaluate", "build"]);
  expect(phases.every(({ durationMs }) => durationMs >= 0)).toBe(true);
});

test("a machine that does not exist is not built", async () => {
  await expect(launch("wbe", options)).rejects.toMatchObject({ code: "MACHINE_NOT_FOUND" });
});

// The fixture's run script starts a QEMU that does not exist.
test("a run script that ends is a boot that failed, and leaves nothing behind but what it names", async () => {
  const directories = (): string[] =>
    readdirSync(tmpdir()).filter((name) => name.startsWith(`dryboot-${process.pid}-`));
  await expect(launch("web", { ...options, keep: "never" })).rejects.toMatchObject({
    code: "BOOT_FAILED",
    message: expect.stringMatching(/^web: QEMU ended with exit code 1\d\d: .*\(at qemu, after /),
  });
  expect(directories()).toEqual([]);
});

test("a vm that somebody else has built is booted by its run script", async () => {
  const fake = {
    name: "fake",
    runScript: fixture("run-scripts/fake-guest.sh"),
    system: "/nix/store/x",
  };
  await using machine = await boot(fake, { accelerator: "tcg" });
  expect(machine).toMatchObject({ name: "fake", system: "/nix/store/x", vmSystem: undefined });
  expect(machine.accelerator.name).toBe("tcg");
  expect(await machine.succeed("echo here")).toBe("here\n");
});

test("the time for a boot can be limited", async () => {
  const silent = { name: "silent", runScript: fixture("run-scripts/silent.sh") };
  await expect(
    boot(silent, { accelerator: "tcg", timeoutMs: 300, keep: "never" }),
  ).rejects.toMatchObject({
    code: "BOOT_TIMEOUT",
  });
});
