// Checked by tsc alone: what a test file may say about its machines, and what is an error in the editor already.
import { defineConfig } from "dryboot/config";
import { test, type Machine, type MachineOptions } from "dryboot/test";

test("a machine by its name, a path or a vm that is built", async ({ machines }) => {
  const web: Machine = await machines.start("web");
  await machines.shared("./machines/web.nix");
  await machines.start({ name: "web", runScript: "/nix/store/vm/bin/run-web-vm" });
  const { stdout }: { readonly stdout: string } = await web.$`id -un`;
  return void stdout;
});

test("options of a guest", async ({ machines }) => {
  await machines.start("web", { memoryMiB: 2048, cores: 2, overrides: "./tests/small-disk.nix" });
  await machines.shared("web", { network: "open", accelerator: "tcg", lane: false });
});

test.override({ machineOptions: { memoryMiB: 2048 } });

defineConfig({
  dryboot: { nixpkgs: "channel:nixos-unstable", bootTimeoutMs: 60_000 },
  test: { retry: 2 },
});

test("what is refused", async ({ machines }) => {
  // @ts-expect-error -- a machine has a name
  await machines.start();
  // @ts-expect-error -- a number names no machine
  await machines.start(1);
  // @ts-expect-error -- memory is a number of MiB
  await machines.start("web", { memoryMiB: "2G" });
  // @ts-expect-error -- there is no such option
  await machines.shared("web", { memory: 2048 });
  // @ts-expect-error -- nor such a way to boot
  await machines.start("web", { accelerator: "hvf" });
  // @ts-expect-error -- machines are started or shared
  await machines.boot("web");
});

// @ts-expect-error -- a guest's options, not the project's
test.override({ machineOptions: { nixpkgs: "channel:nixos-unstable" } });

// @ts-expect-error -- a limit is a number of milliseconds
defineConfig({ dryboot: { bootTimeoutMs: "1 min" } });

// @ts-expect-error -- that setting is vitest's own, and stands in `test`
defineConfig({ dryboot: { testTimeout: 1 } });

// @ts-expect-error -- nothing of a guest's options can be changed afterwards
export const fixed = (options: MachineOptions): void => void (options.cores = 4);
