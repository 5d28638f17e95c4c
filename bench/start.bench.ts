import { expect, test } from "vitest";
import { boot, bootable, build } from "../src/launch/index.ts";
import { printFigures, quantile } from "./figures.ts";

/** Starts of one guest a test each, for the figure of many tests on one machine. */
const starts = Number(process.env["DRYBOOT_BENCH_STARTS"] ?? 20);
const colds = Number(process.env["DRYBOOT_BENCH_COLD_STARTS"] ?? 3);

test("a warm start against a cold one, and a guest for each of many tests", async () => {
  const { vm } = await build("minimal", { cwd: process.cwd() });
  const start = async (how: "cold" | "warm"): Promise<number> => {
    const startedAtMs = performance.now();
    await using machine = await boot(bootable(vm), { start: how });
    expect((await machine.run("true")).exitCode).toBe(0);
    return performance.now() - startedAtMs;
  };
  // Leaves the checkpoint, where there is none.
  await start("warm");
  const cold: number[] = [];
  const warm: number[] = [];
  for (let round = 0; round < starts; round += 1) {
    // In between, so that both meet the same load of the host.
    if (round % Math.ceil(starts / colds) === 0) cold.push(await start("cold"));
    warm.push(await start("warm"));
  }
  const [coldMs, warmMs] = [quantile(cold, 0.5), quantile(warm, 0.5)];
  printFigures(`B4, B5: ${starts} warm starts and ${cold.length} cold ones to the first command`, [
    { what: "cold, p50", value: coldMs, unit: "ms" },
    { what: "warm, p50", value: warmMs, unit: "ms", goal: "≤ 1500" },
    { what: "warm, slowest", value: Math.max(...warm), unit: "ms" },
    { what: "cold ÷ warm", value: coldMs / warmMs, unit: "×", goal: "≥ 15" },
    {
      what: `${starts} tests: a cold start of p50 each ÷ warm ones`,
      value: (coldMs * starts) / warm.reduce((sum, ms) => sum + ms, 0),
      unit: "×",
      goal: "≥ 8",
    },
  ]);
});
