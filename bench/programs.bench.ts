import { expect, test } from "vitest";
import { boot, bootable, build } from "../src/launch/index.ts";
import { printFigures, quantile } from "./figures.ts";

const rounds = Number(process.env["DRYBOOT_BENCH_ROUNDS"] ?? 10);
const startsEach = 50;

test("starts of a program at addresses at random against starts at one address", async () => {
  const { vm } = await build("minimal", { cwd: process.cwd() });
  await using machine = await boot(bootable(vm), { start: "warm" });
  const script = `program=$(type -P true); for ((i = 0; i < ${startsEach}; i++)); do "$program"; done`;
  const startMs = async (randomness: 0 | 2): Promise<number> => {
    await machine.writeFile("/proc/sys/kernel/randomize_va_space", `${randomness}\n`);
    const { exitCode, durationMs } = await machine.run(script);
    expect(exitCode).toBe(0);
    return durationMs / startsEach;
  };
  const atRandom: number[] = [];
  const atOne: number[] = [];
  for (let round = 0; round < rounds; round += 1) {
    atRandom.push(await startMs(2));
    atOne.push(await startMs(0));
  }
  const [randomMs, oneMs] = [quantile(atRandom, 0.5), quantile(atOne, 0.5)];
  printFigures(
    `Programs: ${rounds} rounds of ${startsEach} starts each, in turn, ${machine.accelerator.name}`,
    [
      { what: "at random, p50", value: randomMs, unit: "ms" },
      { what: "at one address (norandmaps), p50", value: oneMs, unit: "ms" },
      { what: "at random ÷ at one address", value: randomMs / oneMs, unit: "×" },
    ],
  );
});
