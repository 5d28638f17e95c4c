import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { test } from "vitest";
import { printFigures, quantile } from "./figures.ts";

const cli = fileURLToPath(new URL("../bin/dryboot.js", import.meta.url));
const rounds = Number(process.env["DRYBOOT_BENCH_ROUNDS"] ?? 5);

test("whole processes of the command line", async () => {
  await dryboot("smoke", "minimal");
  const help = await times(rounds * 4, () => dryboot("--help"));
  const checks = await times(rounds, () => dryboot("checks", "minimal"));
  const smoke = await times(rounds, () => dryboot("smoke", "minimal"));
  const run = await times(rounds, () => dryboot("run", "minimal", "--", "true"));
  printFigures("B6: whole processes with nothing changed, p50", [
    { what: "dryboot --help", value: quantile(help, 0.5), unit: "ms", goal: "≤ 150" },
    { what: "dryboot checks minimal", value: quantile(checks, 0.5), unit: "ms" },
    { what: "dryboot run minimal -- true, warm", value: quantile(run, 0.5), unit: "ms" },
    { what: "dryboot smoke minimal", value: quantile(smoke, 0.5), unit: "ms", goal: "≤ 4000" },
  ]);
});

async function times(count: number, run: () => Promise<void>): Promise<number[]> {
  const measured: number[] = [];
  for (let round = 0; round < count; round += 1) {
    const startedAtMs = performance.now();
    await run();
    measured.push(performance.now() - startedAtMs);
  }
  return measured;
}

async function dryboot(...args: readonly string[]): Promise<void> {
  await execa(process.execPath, [cli, ...args], { stdio: ["ignore", "ignore", "inherit"] });
}
