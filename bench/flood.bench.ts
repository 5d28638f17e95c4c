import { createHash } from "node:crypto";
import { test } from "vitest";
import { Deadline } from "../src/deadline.ts";
import { openSerialChannel, type CommandChannel } from "../src/guest/index.ts";
import { printFigures, quantile, type Figure } from "./figures.ts";
import { startBenchGuest, type BenchGuest } from "./guest.ts";

const commands = Number(process.env["DRYBOOT_BENCH_COMMANDS"] ?? 10_000);

test("commands while the kernel floods ttyS0", async () => {
  await using guest = await startBenchGuest();
  const serial = await openSerialChannel(guest.console, { deadline: Deadline.after(60_000) });
  await startFlood(guest);
  const figures = [
    ...(await figuresOf(guest, guest.lane, "lane")),
    ...(await figuresOf(guest, serial, "serial")),
  ];
  printFigures(`B7: ${commands} commands each way, ${guest.accelerator}`, figures);
});

async function startFlood({ lane }: BenchGuest): Promise<void> {
  await lane.run({
    command: `echo 8 >/proc/sys/kernel/printk
echo on >/proc/sys/kernel/printk_devkmsg
(while :; do
  echo "<3>flood: all work and no play [makes] ~jack~ a * dull boy, number $((n += 1))" >/dev/kmsg
done) </dev/null >/dev/null 2>&1 &`,
  });
}

async function figuresOf(
  { console }: BenchGuest,
  channel: CommandChannel,
  name: string,
): Promise<Figure[]> {
  const times: number[] = [];
  let wrong = 0;
  const flooded = console.mark();
  for (let number = 0; number < commands; number += 1) {
    const startedAtMs = performance.now();
    if (!(await isRight(channel, number))) wrong += 1;
    times.push(performance.now() - startedAtMs);
  }
  return [
    { what: `${name}: wrong results`, value: wrong, unit: "", goal: "0" },
    { what: `${name}: p50`, value: quantile(times, 0.5), unit: "ms" },
    { what: `${name}: slowest`, value: Math.max(...times), unit: "ms" },
    { what: `${name}: flood`, value: (console.mark() - flooded) / 1000, unit: "kB" },
  ];
}

/** Mostly one word; each twentieth time input, both outputs and an exit code. */
async function isRight(channel: CommandChannel, number: number): Promise<boolean> {
  if (number % 20 !== 0) {
    const { exitCode, stdout, stderr } = await channel.run({ command: `echo word-${number}` });
    const right = exitCode === 0 && text(stdout) === `word-${number}\n` && stderr.length === 0;
    if (!right)
      console.log("wrong:", number, { exitCode, stdout: text(stdout), stderr: text(stderr) });
    return right;
  }
  const stdin = createHash("sha512").update(String(number)).digest();
  const { exitCode, stdout, stderr } = await channel.run({
    command: `cat; echo err-${number} >&2; exit ${number % 100}`,
    stdin,
  });
  return exitCode === number % 100 && stdin.equals(stdout) && text(stderr) === `err-${number}\n`;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
