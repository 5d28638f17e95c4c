import { defineConfig as defineVitestConfig, type ViteUserConfig } from "vitest/config";
import { hostCapacity } from "../host/guest-budget.ts";
import { machinesPlugin } from "./plugin.ts";
import { longestTestMs, type DrybootSettings } from "./settings.ts";

export type { DrybootSettings } from "./settings.ts";

/** vitest's configuration, and dryboot's settings for the tests. */
export interface DrybootConfig extends ViteUserConfig {
  /** Goes before what `dryboot.config.*` says. */
  readonly dryboot?: DrybootSettings;
}

/** The least that a guest with its QEMU takes. */
const smallGuestMiB = 1300;

/**
 * vitest's configuration for tests of machines: what they use is built before the first test, limits of time have room
 * for a boot, and as many files of tests run at once as this host carries small guests. What is given goes before these
 * defaults.
 *
 * @example
 * export default defineConfig({ dryboot: { nixpkgs: "channel:nixos-unstable" } });
 */
export function defineConfig({
  dryboot = {},
  test,
  plugins = [],
  ...config
}: DrybootConfig = {}): ViteUserConfig {
  const capacity = hostCapacity();
  const fits = Math.min(capacity.cores, capacity.memoryMiB / smallGuestMiB);
  return defineVitestConfig({
    ...config,
    plugins: [...plugins, machinesPlugin(dryboot)],
    test: {
      include: ["tests/**/*.test.{ts,js}"],
      testTimeout: longestTestMs,
      hookTimeout: longestTestMs,
      teardownTimeout: 30_000,
      maxWorkers: Math.max(1, Math.floor(fits)),
      ...test,
      // Projects that run at the same time must have as many workers each; those without machines go first.
      sequence: { groupOrder: 1, ...test?.sequence },
    },
  });
}
