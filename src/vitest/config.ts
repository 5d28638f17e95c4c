import { availableParallelism, totalmem } from "node:os";
import { defineConfig as defineVitestConfig, type ViteUserConfig } from "vitest/config";
import type { BootOptions, BuildOptions } from "../launch.ts";

/** How the machines of all tests are found, built and booted. */
export interface DrybootSettings
  extends
    Pick<BuildOptions, "nixpkgs" | "nixPath" | "machinesDirectory">,
    Pick<BootOptions, "accelerator" | "memoryMiB" | "cores" | "lane"> {
  /** Where relative paths start. @default the directory that vitest runs in */
  readonly cwd?: string;
  /** How long a boot may take. @default 120000, and four times that under TCG */
  readonly bootTimeoutMs?: number;
}

export interface DrybootConfig extends ViteUserConfig {
  readonly dryboot?: DrybootSettings;
}

declare module "vitest" {
  interface ProvidedContext {
    dryboot: DrybootSettings;
  }
}

/** A guest's memory with QEMU's own, and the cores that keep one from waiting for another. */
const guestBytes = 1.5 * 1024 ** 3;
const guestCores = 2;

/**
 * vitest's configuration for tests of machines: limits of time that a boot fits into, and as many test files at once
 * as this host carries guests. What is given goes before these defaults.
 *
 * @example
 * export default defineConfig({ dryboot: { nixpkgs: "channel:nixos-unstable" } });
 */
export function defineConfig({ dryboot, test, ...config }: DrybootConfig = {}): ViteUserConfig {
  const fits = Math.min(availableParallelism() / guestCores, (totalmem() * 0.75) / guestBytes);
  return defineVitestConfig({
    ...config,
    test: {
      include: ["tests/**/*.test.{ts,js}"],
      testTimeout: 600_000,
      hookTimeout: 600_000,
      teardownTimeout: 30_000,
      maxWorkers: Math.max(1, Math.floor(fits)),
      ...test,
      provide: { ...test?.provide, dryboot: dryboot ?? {} },
    },
  });
}
