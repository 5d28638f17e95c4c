import { expect, test } from "vitest";
import { takeTurns } from "../../../src/guest/turns.ts";

/** A task that goes on until it is let go. */
function task(name: string, log: string[]): { run(): Promise<void>; end(): void } {
  let end = (): void => {};
  const ended = new Promise<void>((resolve) => {
    end = resolve;
  });
  return {
    run: async () => {
      log.push(`${name} begins`);
      await ended;
      log.push(`${name} ends`);
    },
    end,
  };
}

test("no more tasks run at once than may, and they begin in the order in which they came", async () => {
  const log: string[] = [];
  const turns = takeTurns(2);
  const tasks = ["a", "b", "c", "d"].map((name) => task(name, log));
  const runs = tasks.map(async ({ run }) => turns(run));
  await Promise.resolve();
  expect(log).toEqual(["a begins", "b begins"]);
  for (const { end } of tasks.toReversed()) end();
  await Promise.all(runs);
  expect(log.filter((line) => line.endsWith("begins"))).toEqual([
    "a begins",
    "b begins",
    "c begins",
    "d begins",
  ]);
});

test("a task that was interrupted before it came does not wait for its turn", async () => {
  const turns = takeTurns(1);
  const blocking = task("a", []);
  const running = turns(blocking.run);
  const late = turns(async () => "done", AbortSignal.abort());
  await expect(late).rejects.toThrow("interrupted");
  blocking.end();
  await running;
  expect(await turns(async () => "free")).toBe("free");
});

test("a task that fails gives its turn to the next", async () => {
  const turns = takeTurns(1);
  const failing = turns(async () => Promise.reject(new Error("broken")));
  const next = turns(async () => "well");
  await expect(failing).rejects.toThrow("broken");
  expect(await next).toBe("well");
});

test("an abort ends the wait for a turn, and the turn goes to the next", async () => {
  const log: string[] = [];
  const turns = takeTurns(1);
  const first = task("first", log);
  const running = turns(first.run);
  const patience = new AbortController();
  const impatient = turns(async () => log.push("impatient"), patience.signal);
  const last = turns(async () => log.push("last"));
  patience.abort();
  await expect(impatient).rejects.toMatchObject({ code: "INTERRUPTED" });
  first.end();
  await Promise.all([running, last]);
  expect(log).toEqual(["first begins", "first ends", "last"]);
});
