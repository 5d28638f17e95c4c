import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { expect, test } from "vitest";
import { spawnPty } from "../src/console/index.ts";
import { boot, bootable, build } from "../src/launch/index.ts";
import { chooseAccelerator } from "../src/qemu/index.ts";
import { printFigures, quantile } from "./figures.ts";

const rounds = Number(process.env["DRYBOOT_BENCH_BOOTS"] ?? 5);

test("a boot to the first command against the same run script by hand to its prompt", async () => {
  const { vm } = await build("minimal", { cwd: process.cwd() });
  const accelerator = await chooseAccelerator();
  const byHand: number[] = [];
  const byDryboot: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    byHand.push(await promptMs(vm.runScript, ["-machine", `accel=${accelerator.name}`]));
    byDryboot.push(
      await timed(async () => {
        const machine = await boot(bootable(vm), {});
        expect((await machine.run("true")).exitCode).toBe(0);
        return machine;
      }),
    );
  }
  const [handMs, drybootMs] = [quantile(byHand, 0.5), quantile(byDryboot, 0.5)];
  printFigures(`B1: ${rounds} boots each, in turn, ${accelerator.name}`, [
    { what: "run script by hand, to the root prompt, p50", value: handMs, unit: "ms" },
    { what: "dryboot, to the first command's result, p50", value: drybootMs, unit: "ms" },
    { what: "dryboot ÷ by hand", value: drybootMs / handMs, unit: "×", goal: "≤ 1.05" },
  ]);
});

async function promptMs(runScript: string, args: readonly string[]): Promise<number> {
  const directory = mkdtempSync(join(tmpdir(), "bench-"));
  try {
    return await timed(async () => {
      const env = { ...process.env, TMPDIR: directory, NIX_DISK_IMAGE: join(directory, "disk") };
      const pty = spawnPty({ file: runScript, args, cwd: directory, env });
      await new Promise<void>((resolve) => {
        let shown = "";
        pty.onData((bytes) => {
          shown = (shown + Buffer.from(bytes).toString("latin1")).slice(-200);
          if (/root@\S+#/.test(shown)) resolve();
        });
      });
      return { [Symbol.asyncDispose]: () => pty.terminate() };
    });
  } finally {
    rmSync(directory, { recursive: true });
  }
}

/** Milliseconds until something is there; its end does not count. */
async function timed(start: () => Promise<AsyncDisposable>): Promise<number> {
  const startedAtMs = performance.now();
  await using started = await start();
  const endedAtMs = performance.now();
  expect(started).toBeDefined();
  return endedAtMs - startedAtMs;
}
