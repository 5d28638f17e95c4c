import { availableParallelism } from "node:os";
import { expect, test } from "vitest";
import { defineConfig } from "../../../src/vitest/config.ts";

test("what is given goes before the defaults, and the settings of dryboot reach the tests", () => {
  const config = defineConfig({
    dryboot: { nixpkgs: "/srv/nixpkgs", memoryMiB: 2048 },
    test: { testTimeout: 1, maxWorkers: 9, include: ["checks/*.ts"] },
  });
  expect(config.test).toMatchObject({
    include: ["checks/*.ts"],
    testTimeout: 1,
    hookTimeout: 600_000,
    maxWorkers: 9,
    provide: { dryboot: { nixpkgs: "/srv/nixpkgs", memoryMiB: 2048 } },
  });
  expect(config).not.toHaveProperty("dryboot");
});

test("no more test files run at once than this host has cores for their guests", () => {
  const { maxWorkers } = defineConfig().test ?? {};
  expect(maxWorkers).toBeGreaterThanOrEqual(1);
  expect(maxWorkers).toBeLessThanOrEqual(Math.max(1, availableParallelism() / 2));
});
