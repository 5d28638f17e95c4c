import { spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test, vi } from "vitest";
import {
  acquireGuestSlot,
  takeGuestRoom,
  type GuestShortage,
  type GuestSlotOptions,
} from "../../../src/host/guest-budget.ts";
import { processName, type Claim } from "../../../src/host/guest-claims.ts";

let directory = "";
beforeEach(() => void (directory = mkdtempSync(join(tmpdir(), "budget-test-"))));
afterEach(() => rmSync(directory, { recursive: true, force: true }));

/** Asks for one of two cores; `queued` resolves once there is none. */
function ask(options: Partial<GuestSlotOptions> = {}) {
  let onWait = (_processes: readonly number[]): void => {};
  const queued = new Promise<readonly number[]>((resolve) => (onWait = resolve));
  const capacity = { memoryMiB: 10_000, cores: 2 };
  const slot = acquireGuestSlot({
    memoryMiB: 100,
    cores: 1,
    capacity,
    directory,
    onWait,
    ...options,
  });
  return { slot, queued };
}

const end = async ({ slot }: ReturnType<typeof ask>): Promise<void> =>
  (await slot)[Symbol.asyncDispose]();

const isPending = async (slot: Promise<AsyncDisposable>): Promise<boolean> =>
  (await Promise.race([slot, Promise.resolve("pending")])) === "pending";

test("threads of one process, each with a module of its own, claim one by one", async () => {
  vi.resetModules();
  const thread = await import("../../../src/host/guest-budget.ts");
  expect(thread.acquireGuestSlot).not.toBe(acquireGuestSlot);
  const options = {
    memoryMiB: 100,
    cores: 1,
    capacity: { memoryMiB: 10_000, cores: 2 },
    directory,
  };
  await using _one = await acquireGuestSlot(options);
  await using _two = await thread.acquireGuestSlot(options);
  expect(readdirSync(directory)).toHaveLength(2);
});

test("who came first goes first, also before one that would fit", async () => {
  const first = ask({ holder: "first" });
  await first.slot;
  const big = ask({ holder: "big", cores: 2 });
  await big.queued;
  const small = ask({ holder: "small" });
  await small.queued;

  await end(first);
  await big.slot;
  expect(await isPending(small.slot)).toBe(true);

  await end(big);
  await end(small);
  expect(readdirSync(directory)).toEqual([]);
});

test("memory is shared out as cores are", async () => {
  const first = ask({ memoryMiB: 6000 });
  await first.slot;
  const second = ask({ memoryMiB: 6000 });
  await second.queued;
  await end(first);
  await end(second);
});

test("memory that other programs of the host have taken is not given to a guest", async () => {
  const capacity = { memoryMiB: 1e9, cores: 2 };
  const first = ask({ capacity });
  await first.slot;
  const second = ask({ memoryMiB: 1e8, capacity });
  await second.queued;
  await end(first);
  await end(second);
});

test("a guest that is too big for the host has it to itself", async () => {
  await end(ask({ memoryMiB: 1_000_000, cores: 64 }));
});

test("a guest takes no core while the test that has it waits for another one", async () => {
  const first = ask({ holder: "first" });
  const second = ask({ holder: "second" });
  await Promise.all([first.slot, second.slot]);
  const third = ask({ holder: "third" });
  await third.queued;
  const more = ask({ holder: "first" });
  await more.queued;
  await third.slot;
  expect(await isPending(more.slot)).toBe(true);

  await end(third);
  await more.slot;
  const fourth = ask({ holder: "fourth" });
  await fourth.queued;
  await end(second);
  expect(await isPending(fourth.slot)).toBe(true);
  await end(first);
  await end(fourth);
  await end(more);
});

test("tests that have a guest each and no memory for another do not wait for each other for ever", async () => {
  const memoryMiB = 4500;
  const first = ask({ holder: "first", memoryMiB });
  const second = ask({ holder: "second", memoryMiB });
  await Promise.all([first.slot, second.slot]);
  // The first one waits for the second, until that waits as well.
  const more = ask({ holder: "first", memoryMiB });
  await more.queued;
  const evenMore = ask({ holder: "second", memoryMiB });
  await evenMore.queued;

  await more.slot;
  expect(await isPending(evenMore.slot)).toBe(true);
  await end(first);
  await end(more);
  await end(evenMore);
});

test("a test in a file that shares a guest is not kept waiting by that guest", async () => {
  const shared = ask({ holder: "file", cores: 2 });
  await shared.slot;
  await end(ask({ holder: "test", blocks: ["file"] }));
  await end(shared);
});

test("the claim of a process that was killed counts no longer", async () => {
  const child = spawn("sleep", ["60"]);
  await once(child, "spawn");
  const id = `${processName(child.pid ?? 0)}-1`;
  const claim = { id, number: 1, memoryMiB: 1, cores: 2, holder: "x", blocks: ["x"], held: true };
  writeFileSync(join(directory, id), JSON.stringify(claim satisfies Claim));
  const waiting = ask();
  expect(await waiting.queued).toEqual([child.pid]);

  child.kill("SIGKILL");
  await end(waiting);
});

test("who is interrupted while waiting leaves the queue", async () => {
  const first = ask({ cores: 2 });
  await first.slot;
  const controller = new AbortController();
  const second = ask({ signal: controller.signal });
  await second.queued;

  controller.abort();
  await expect(second.slot).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(readdirSync(directory)).toHaveLength(1);
  await end(first);
});

test("who is interrupted leaves also while another claim is being written", async () => {
  // Of a process that lives, and was stopped before it could draw its number.
  const unfinished = `${processName(process.pid)}-unfinished`;
  writeFileSync(join(directory, unfinished), "");
  const controller = new AbortController();
  const { signal } = controller;
  const slot = ask({ signal }).slot;
  const room = takeGuestRoom({ memoryMiB: 1, directory, signal, onShortage: () => {} });
  setTimeout(() => controller.abort(), 20);
  const interrupted = expect.objectContaining({ code: "INTERRUPTED" });
  expect(await Promise.allSettled([slot, room])).toEqual([
    { status: "rejected", reason: interrupted },
    { status: "rejected", reason: interrupted },
  ]);
  expect(readdirSync(directory)).toEqual([unfinished]);
});

test("somebody at a terminal waits for nobody, and is told when memory may not do for all", async () => {
  const capacity = { memoryMiB: 2000, cores: 2 };
  const test = ask({ memoryMiB: 600, cores: 2, capacity });
  await test.slot;
  const told: GuestShortage[] = [];
  const take = (memoryMiB: number): Promise<AsyncDisposable> =>
    takeGuestRoom({ memoryMiB, directory, capacity, onShortage: (one) => void told.push(one) });
  await using _small = await take(100);
  expect(told).toEqual([]);
  await using _big = await take(500);
  expect(told).toEqual([{ neededMiB: 800, leftMiB: 700, processes: [process.pid] }]);
  await end(test);
});

test("a guest before which somebody sits takes memory of others, but no cores", async () => {
  const capacity = { memoryMiB: 10_000, cores: 2 };
  const room = await takeGuestRoom({ memoryMiB: 6000, directory, capacity, onShortage: () => {} });
  await end(ask({ cores: 2 }));
  const big = ask({ memoryMiB: 6000 });
  expect(await big.queued).toEqual([process.pid]);
  await room[Symbol.asyncDispose]();
  await end(big);
});
