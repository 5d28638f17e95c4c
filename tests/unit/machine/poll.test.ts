import { expect, test } from "vitest";
import { Deadline } from "../../../src/deadline.ts";
import { poll } from "../../../src/machine/poll.ts";

test("a try that outlasts the deadline is followed by one more, whose answer counts", async () => {
  const deadline = Deadline.after(20);
  let tries = 0;
  const slow = async (): Promise<string | undefined> => {
    tries += 1;
    if (tries === 1) await deadline.sleep(1000);
    return tries === 2 ? "late" : undefined;
  };
  expect(await poll(slow, { deadline })).toBe("late");
});

test("after the deadline there is one try and no second", async () => {
  let tries = 0;
  const attempt = async (): Promise<undefined> => void (tries += 1);
  await poll(attempt, { deadline: Deadline.after(0) });
  expect(tries).toBe(1);
});
