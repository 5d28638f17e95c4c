import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { defineConfig } from "../../../src/vitest/config.ts";

test("what is given goes before the defaults, and dryboot's own settings stay out of vitest's", () => {
  const mine = { name: "mine" };
  const config = defineConfig({
    dryboot: { nixpkgs: "/srv/nixpkgs", memoryMiB: 2048 },
    plugins: [mine],
    test: {
      testTimeout: 1,
      maxWorkers: 9,
      include: ["checks/*.ts"],
      sequence: { concurrent: true },
    },
  });
  expect(config.test).toMatchObject({
    include: ["checks/*.ts"],
    testTimeout: 1,
    hookTimeout: 600_000,
    maxWorkers: 9,
    // vitest refuses projects of one group that have not as many workers each.
    sequence: { concurrent: true, groupOrder: 1 },
  });
  expect(config.plugins).toEqual([mine, expect.objectContaining({ name: "dryboot" })]);
  expect(config).not.toHaveProperty("dryboot");
});

test("no more test files run at once than this host has cores for guests", () => {
  const { maxWorkers } = defineConfig().test ?? {};
  expect(maxWorkers).toBeGreaterThanOrEqual(1);
  expect(maxWorkers).toBeLessThanOrEqual(availableParallelism() + 1);
});
