// A file that vitest loads before each file of tests.
import { beforeEach, inject } from "vitest";
import { limitTest } from "./test-limit.ts";

beforeEach(({ task }) => {
  const limitMs = inject("drybootTestLimitMs");
  if (limitMs !== undefined) limitTest(task, limitMs);
});
