import { setTimeout as sleep } from "node:timers/promises";
import { expect, test, vi } from "vitest";
import { slowProgress } from "../../../src/vitest/progress.ts";

test("what takes long is told now and then, each thing once, with the last line of the console", async () => {
  const lines: string[] = [];
  const rhythm = { quietMs: 20, betweenMs: 5 };
  const progress = slowProgress("web", (line) => lines.push(line), rhythm);
  progress.show({ phase: "build" });
  progress.show({ phase: "stage 1", detail: "loading module virtio_blk..." });
  expect(lines).toEqual([]);
  await vi.waitFor(() => expect(lines).toHaveLength(1), 30_000);
  expect(lines[0]).toMatch(/^web: stage 1: loading module virtio_blk\.\.\. \([\d.]+ m?s\)\n$/);
  await sleep(rhythm.betweenMs * 5);
  progress.show({ phase: "systemd" });
  await vi.waitFor(() => expect(lines).toHaveLength(2), 30_000);
  expect(lines[1]).toMatch(/^web: systemd \([\d.]+ m?s\)\n$/);
  progress.end();
  progress.show({ phase: "checks" });
  await sleep(rhythm.betweenMs * 5);
  expect(lines).toHaveLength(2);
});
