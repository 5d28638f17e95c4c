import { expect, test } from "vitest";
import { GuestLostError } from "../src/index.ts";
import { boot, bootable, build } from "../src/launch/index.ts";
import type { Machine } from "../src/machine/index.ts";
import { processesOf } from "../tests/fixtures/process-tree.ts";
import { printFigures, quantile, type Figure } from "./figures.ts";

const rounds = Number(process.env["DRYBOOT_BENCH_LOSSES"] ?? 5);

interface Loss {
  readonly name: string;
  /** Resolves when it was asked for, not when it has happened. */
  readonly cause: (machine: Machine) => Promise<void>;
  /** What the failed call says of it. */
  readonly message: RegExp;
}

const losses: readonly Loss[] = [
  {
    name: "kernel panic",
    cause: (machine) => causedBy(machine, "echo c >/proc/sysrq-trigger"),
    message: /panic/i,
  },
  {
    name: "emergency shell",
    // What emergency.service runs. Stopping other services and waiting for an idle queue, as systemd does first, take seconds.
    cause: (machine) =>
      causedBy(
        machine,
        "/run/current-system/systemd/lib/systemd/systemd-sulogin-shell emergency </dev/ttyS0 &>/dev/ttyS0 &",
      ),
    message: /emergency/,
  },
  {
    name: "QEMU killed",
    cause: async () => {
      for (const { pid, commandLine } of processesOf(process.pid)) {
        if (commandLine.includes("qemu-system")) process.kill(pid, "SIGKILL");
      }
    },
    message: /QEMU/,
  },
];

test("from the loss of a guest to the failure of what waits for it", async () => {
  const { vm } = await build("minimal", { cwd: process.cwd() });
  const figures: Figure[] = [];
  for (const loss of losses) {
    const times: number[] = [];
    for (let round = 0; round < rounds; round += 1) {
      await using machine = await boot(bootable(vm), { start: "warm" });
      times.push(await failureMs(machine, loss));
    }
    figures.push(
      { what: `${loss.name}, p50`, value: quantile(times, 0.5), unit: "ms" },
      { what: `${loss.name}, slowest`, value: Math.max(...times), unit: "ms", goal: "≤ 2000" },
    );
  }
  printFigures(`B8: from the cause of a loss to the failed call, ${rounds} times each`, figures);
});

/** From the word that causes the loss to the failure of a command and of a wait that were under way. */
async function failureMs(machine: Machine, { cause, message }: Loss): Promise<number> {
  const waits = [machine.run("sleep 1000"), machine.waitForConsoleText("never printed")];
  const failed = Promise.allSettled(waits);
  await machine.run("true");
  const askedAtMs = performance.now();
  await cause(machine);
  for (const outcome of await failed) {
    expect(outcome).toMatchObject({ status: "rejected", reason: expect.any(GuestLostError) });
    expect(outcome).toMatchObject({ reason: { message: expect.stringMatching(message) } });
  }
  return performance.now() - askedAtMs;
}

/** A command that its own guest may not outlive. */
async function causedBy(machine: Machine, command: string): Promise<void> {
  await machine.run(command).catch((error: unknown) => {
    if (!(error instanceof GuestLostError)) throw error;
  });
}
