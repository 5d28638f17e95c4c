import { once } from "node:events";
import { expect, test } from "vitest";
import { sharedWork, startSharedWork, type SharedWork } from "../../../src/vitest/shared-work.ts";

/** Work that ends when it is told to, or when it is aborted. */
function work() {
  let finish = (_result: string): void => {};
  const shared = startSharedWork(async (signal) => {
    const done = new Promise<string>((resolve) => (finish = resolve));
    const aborted = once(signal, "abort").then(() => Promise.reject(signal.reason));
    return Promise.race([done, aborted]);
  });
  return { shared, finish: (result: string) => finish(result) };
}

test("work goes on for the others when the test that asked first is over", async () => {
  const { shared, finish } = work();
  const [first, second] = [new AbortController(), new AbortController()];
  const firstWaits = shared.wait(first.signal);
  const secondWaits = shared.wait(second.signal);

  first.abort(new Error("timed out"));
  await expect(firstWaits).rejects.toThrow("interrupted while waiting");
  expect(shared.isAbandoned).toBe(false);
  finish("built");
  expect(await secondWaits).toBe("built");
});

test("work ends when nobody waits for it any more, and whoever asks then starts it anew", async () => {
  const works = new Map<string, SharedWork<string>>();
  const { shared } = work();
  works.set("web", shared);
  const [first, second] = [new AbortController(), new AbortController()];
  const waits = Promise.allSettled([shared.wait(first.signal), shared.wait(second.signal)]);

  first.abort(new Error("timed out"));
  second.abort(new Error("cancelled"));
  expect((await waits)[1]).toMatchObject({ status: "rejected", reason: { message: "cancelled" } });
  const again = sharedWork(works, "web", () => Promise.resolve("built"));
  expect(await again.wait(new AbortController().signal)).toBe("built");
});

test("what is done stays, whoever ends later", async () => {
  const { shared, finish } = work();
  const first = new AbortController();
  const waits = shared.wait(first.signal);
  finish("built");
  await waits;
  first.abort();
  expect(shared.isAbandoned).toBe(false);
  expect(await shared.wait(new AbortController().signal)).toBe("built");
});

test("a test that is over already ends no work that is done", async () => {
  const { shared, finish } = work();
  const waits = shared.wait(new AbortController().signal);
  finish("built");
  await waits;
  await shared.wait(AbortSignal.abort(new Error("timed out"))).catch(() => {});
  expect(shared.isAbandoned).toBe(false);
});
