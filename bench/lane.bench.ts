import { expect, test } from "vitest";
import type { Lane } from "../src/guest/lane/index.ts";
import { openDriverFraming } from "./driver-framing.ts";
import { printFigures, quantile } from "./figures.ts";
import { startBenchGuest } from "./guest.ts";

const rounds = Number(process.env["DRYBOOT_BENCH_ROUNDS"] ?? 200);
const bulkBytes = Number(process.env["DRYBOOT_BENCH_BULK_MB"] ?? 64) * 1_000_000;

test("one command, and bulk, over a lane", async () => {
  await using guest = await startBenchGuest();
  await latency(guest.lane, guest.hvcSocket, guest.accelerator);
  await bulk(guest.lane, guest.accelerator);
});

/** Alternating, so that both meet the same load of the host. */
async function latency(lane: Lane, hvcSocket: string, accelerator: string): Promise<void> {
  using driver = await openDriverFraming(lane, hvcSocket);
  const ways = {
    lane: async () => (await lane.run({ command: "true", timeoutMs: 900_000 })).exitCode,
    "lane, strict text": async () =>
      (await lane.run({ command: "set -euo pipefail\ntrue", timeoutMs: 900_000 })).exitCode,
    "lane, shell text": async () =>
      (await lane.run({ command: "true; true", timeoutMs: 900_000 })).exitCode,
    "driver's framing": async () => (await driver.execute("true")).status,
  };
  const times = new Map<string, number[]>();
  for (let round = -5; round < rounds; round += 1) {
    for (const [name, run] of Object.entries(ways)) {
      const startedAtMs = performance.now();
      expect(await run()).toBe(0);
      if (round >= 0)
        times.set(name, [...(times.get(name) ?? []), performance.now() - startedAtMs]);
    }
  }
  const median = (name: string): number => quantile(times.get(name) ?? [], 0.5);
  printFigures(`B2: \`true\`, ${rounds} times each, ${accelerator}`, [
    ...[...times].flatMap(([name, all]) => [
      { what: `${name}, p50`, value: quantile(all, 0.5), unit: "ms" },
      { what: `${name}, p90`, value: quantile(all, 0.9), unit: "ms" },
    ]),
    {
      what: "driver's framing ÷ lane, p50",
      value: median("driver's framing") / median("lane"),
      unit: "×",
      goal: "≥ 3",
    },
    {
      what: "driver's framing ÷ lane with shell text, p50",
      value: median("driver's framing") / median("lane, shell text"),
      unit: "×",
    },
  ]);
}

async function bulk(lane: Lane, accelerator: string): Promise<void> {
  const memory = watchMemory();
  let received = 0;
  const out = await lane.run({
    command: `head -c ${bulkBytes} /dev/zero`,
    maxOutputBytes: 0,
    onOutput: (_, bytes) => {
      received += bytes.length;
    },
  });
  const outGrowthBytes = memory.stop();
  expect(received).toBe(bulkBytes);
  const piece = Buffer.alloc(bulkBytes / 2, "x");
  const inMemory = watchMemory();
  const into = await lane.run({ command: "wc -c", stdin: piece });
  const inGrowthBytes = inMemory.stop();
  expect(Buffer.from(into.stdout).toString().trim()).toBe(String(piece.length));
  const rate = (bytes: number, ms: number): number => bytes / 1000 / ms;
  printFigures(`B3: bulk, ${accelerator}`, [
    { what: "out", value: rate(received, out.durationMs), unit: "MB/s", goal: "≥ 15" },
    { what: "in", value: rate(piece.length, into.durationMs), unit: "MB/s", goal: "≥ 6" },
    {
      what: "memory of the host's process, growth while out",
      value: outGrowthBytes / 1e6,
      unit: "MB",
    },
    {
      what: "memory of the host's process, growth while in",
      value: inGrowthBytes / 1e6,
      unit: "MB",
    },
  ]);
}

/** The highest resident memory until `stop`, above that at the start. */
function watchMemory(): { readonly stop: () => number } {
  const before = process.memoryUsage.rss();
  let highest = before;
  const timer = setInterval(() => {
    highest = Math.max(highest, process.memoryUsage.rss());
  }, 20);
  return {
    stop: () => {
      clearInterval(timer);
      return Math.max(highest, process.memoryUsage.rss()) - before;
    },
  };
}
