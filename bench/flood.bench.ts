import { createHash } from "node:crypto";
import { test } from "vitest";
import { Deadline } from "../src/deadline.ts";
import { openSerialChannel, type CommandChannel } from "../src/guest/index.ts";
import { printFigures, quantile } from "./figures.ts";
import { startBenchGuest, type BenchGuest } from "./guest.ts";

// Ten thousand were promised. Under TCG they take some twenty minutes, so a line tells of each 500.
const commands = Number(process.env["DRYBOOT_BENCH_COMMANDS"] ?? 10_000);
/** Commands that run side by side on each way. */
const atOnce = Number(process.env["DRYBOOT_BENCH_AT_ONCE"] ?? 4);
/** Between two kernel messages; 0 leaves the guest's processor to them as far as it lets them. */
const pauseSeconds = Number(process.env["DRYBOOT_BENCH_FLOOD_PAUSE"] ?? 0.005);
const toldEvery = 500;

test("commands over the lane and over the serial port that the kernel floods", async () => {
  await using guest = await startBenchGuest();
  const serial = await openSerialChannel(guest.console, { deadline: Deadline.after(60_000) });
  await startFlood(guest);
  // Side by side, so that both meet the same flood.
  await Promise.all([measure(guest, guest.lane), measure(guest, serial)]);
});

async function measure(
  { console: flooded, accelerator }: BenchGuest,
  channel: CommandChannel,
): Promise<void> {
  const times: number[] = [];
  let wrong = 0;
  const from = flooded.mark();
  const startedAtMs = performance.now();
  let next = 0;
  const runSome = async (): Promise<void> => {
    while (next < commands) {
      const sentAtMs = performance.now();
      if (!(await isRight(channel, next++))) wrong += 1;
      times.push(performance.now() - sentAtMs);
      if (times.length % toldEvery === 0) {
        console.log(`${channel.kind}: ${times.length} commands, ${wrong} wrong`);
      }
    }
  };
  await Promise.all(Array.from({ length: atOnce }, runSome));
  const seconds = (performance.now() - startedAtMs) / 1000;
  const floodKilobytes = (flooded.mark() - from) / 1000;
  printFigures(`B7: ${commands} commands, ${channel.kind}, ${atOnce} at once, ${accelerator}`, [
    { what: "wrong results", value: wrong, unit: "", goal: "0" },
    { what: "p50", value: quantile(times, 0.5), unit: "ms" },
    { what: "p99", value: quantile(times, 0.99), unit: "ms" },
    { what: "slowest", value: Math.max(...times), unit: "ms" },
    { what: "kernel messages meanwhile", value: floodKilobytes, unit: "kB" },
    { what: "kernel messages", value: floodKilobytes / seconds, unit: "kB/s" },
  ]);
}

/** Messages that hold what a frame may look like, for as long as the guest lives. */
async function startFlood({ lane }: BenchGuest): Promise<void> {
  await lane.run({
    command: `echo 8 >/proc/sys/kernel/printk
echo on >/proc/sys/kernel/printk_devkmsg
(exec 8<> <(:)
while :; do
  echo "<3>flood: all work and no play [makes] ~jack~ a * dull boy, number $((n += 1))" >/dev/kmsg
  ((${Math.ceil(pauseSeconds)} == 0)) || read -t ${pauseSeconds} -u 8
done) </dev/null >/dev/null 2>&1 &`,
  });
}

/** Mostly one word; each twentieth time input, both outputs and an exit code. */
async function isRight(channel: CommandChannel, number: number): Promise<boolean> {
  const complex = number % 20 === 0;
  const stdin = createHash("sha512").update(String(number)).digest();
  const { exitCode, stdout, stderr } = await (complex
    ? channel.run({ command: `cat; echo err-${number} >&2; exit ${number % 100}`, stdin })
    : channel.run({ command: `echo word-${number}` }));
  const right = complex
    ? exitCode === number % 100 && stdin.equals(stdout) && text(stderr) === `err-${number}\n`
    : exitCode === 0 && text(stdout) === `word-${number}\n` && stderr.length === 0;
  if (!right) {
    console.log("wrong:", number, { exitCode, stdout: text(stdout), stderr: text(stderr) });
  }
  return right;
}

function text(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString();
}
