import { availableParallelism } from "node:os";
import { fileURLToPath } from "node:url";
import { defineConfig as defineVitestConfig, type ViteUserConfig } from "vitest/config";
import { BaseSequencer, type TestSpecification } from "vitest/node";
import { defineConfig } from "./src/vitest/config.ts";

const source = (path: string): string => fileURLToPath(new URL(`src/${path}`, import.meta.url));

/** The package's own entries, from source. */
const alias = [
  { find: /^dryboot$/, replacement: source("index.ts") },
  { find: /^dryboot\/test$/, replacement: source("vitest/index.ts") },
  { find: /^dryboot\/config$/, replacement: source("vitest/config.ts") },
];

/** They wait for guests of their own for minutes. vitest begins with the biggest file where it knows nothing better. */
const long = /machines\/(?:hostile|lane|minimal|subjects)\.test\.ts$/;

class LongestFirst extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const sorted = await super.sort(files);
    const isLong = ({ moduleId }: TestSpecification): boolean => long.test(moduleId);
    return [...sorted.filter(isLong), ...sorted.filter((file) => !isLong(file))];
  }
}

const config: ViteUserConfig = defineVitestConfig({
  test: {
    experimental: { fsModuleCache: true },
    sequence: { sequencer: LongestFirst },
    projects: [
      {
        test: {
          name: "unit",
          include: ["tests/unit/**/*.test.ts"],
          sequence: { groupOrder: 0 },
          // Most of a test is waiting for small programs.
          maxWorkers: Math.max(5, availableParallelism()),
          isolate: false,
          // Limits for a busy host: what does not happen at all is found a little later, and nothing fails for being slow.
          testTimeout: 60_000,
          hookTimeout: 60_000,
          expect: { poll: { timeout: 30_000 } },
        },
      },
      {
        ...defineConfig({
          test: {
            name: "machines",
            include: ["tests/machines/**/*.test.ts"],
            sequence: { groupOrder: 1 },
            // One more than guests have room: many of these tests need none, or wait for one of their own making.
            maxWorkers: availableParallelism() + 2,
          },
        }),
        resolve: { alias },
      },
    ],
  },
});

export default config;
