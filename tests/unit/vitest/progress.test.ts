import { afterEach, beforeEach, expect, test, vi } from "vitest";
import { slowProgress } from "../../../src/vitest/progress.ts";

beforeEach(() => void vi.useFakeTimers());
afterEach(() => void vi.useRealTimers());

test("what takes long is told now and then, with the last line of the console", () => {
  const lines: string[] = [];
  const progress = slowProgress("web", (line) => lines.push(line));
  progress.show({ phase: "stage 1", detail: "loading module virtio_blk..." });
  vi.advanceTimersByTime(4_999);
  expect(lines).toEqual([]);
  vi.advanceTimersByTime(1);
  expect(lines).toEqual(["web: stage 1: loading module virtio_blk... (5 s)\n"]);
  progress.show({ phase: "systemd" });
  vi.advanceTimersByTime(10_000);
  expect(lines.slice(1)).toEqual(["web: systemd (15 s)\n"]);
  progress.end();
  vi.advanceTimersByTime(60_000);
  expect(lines).toHaveLength(2);
});
