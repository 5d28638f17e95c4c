import { expect, test } from "vitest";
import { ExpectationError, whileHolding } from "../../../src/machine/index.ts";

const moment = (ms: number): Promise<void> => new Promise((resolve) => setTimeout(resolve, ms));

test("a condition is looked at before, meanwhile and at the end", async () => {
  const looks: string[] = [];
  let stage = "before";
  const value = await whileHolding(
    () => void looks.push(stage),
    async () => {
      stage = "meanwhile";
      while (!looks.includes("meanwhile")) await moment(1);
      stage = "at the end";
      return "done";
    },
    { intervalMs: 1 },
  );
  expect(value).toBe("done");
  expect(new Set(looks)).toEqual(new Set(["before", "meanwhile", "at the end"]));
});

test("what goes on ends when the condition does", async () => {
  let holds = true;
  const failure = new Error("no process borg\nand more");
  const acting = whileHolding(
    async () => {
      if (!holds) throw failure;
    },
    () => {
      holds = false;
      return new Promise(() => {});
    },
    { intervalMs: 1, description: "borg runs" },
  );
  await expect(acting).rejects.toMatchObject({
    code: "ASSERTION",
    message: "borg runs did not hold any more: no process borg",
    cause: failure,
  });
});

test("nothing is begun where the condition does not hold", async () => {
  let begun = false;
  const ready = false;
  const acting = whileHolding(
    () => ready,
    async () => void (begun = true),
  );
  await expect(acting).rejects.toThrow("() => ready did not hold");
  await expect(acting).rejects.toBeInstanceOf(ExpectationError);
  expect(begun).toBe(false);
});

test("an error of what goes on is the one that is told", async () => {
  let looks = 0;
  const failure = new Error("its own");
  const acting = whileHolding(
    () => {
      looks += 1;
      if (looks > 1) throw new Error("the condition's");
    },
    () => Promise.reject(failure),
    { intervalMs: 60_000 },
  );
  await expect(acting).rejects.toBe(failure);
  expect(looks).toBe(1);
});

test("a condition that ends with what goes on has not held", async () => {
  let holds = true;
  const acting = whileHolding(
    () => holds,
    async () => void (holds = false),
    { intervalMs: 60_000 },
  );
  await expect(acting).rejects.toThrow("() => holds did not hold any more");
});
