import type { BootOptions, BuildOptions } from "../launch/index.ts";

/** What a test may take where there is no KVM; with it a quarter of that. */
export const longestTestMs = 600_000;

/** Stands for dryboot's own limit of a test where vitest's would be, which cannot stand still: below zero is none. */
export const limitedByDryboot = -1;

/** What a guest may take, where its test does not say. */
export interface GuestDefaults extends Pick<BootOptions, "memoryMiB" | "cores"> {
  /** How long a boot may take. @default 120000, and four times that under TCG */
  readonly bootTimeoutMs?: number;
  /** Whether each start is a boot, and none a restore of a checkpoint. @default false */
  readonly cold?: boolean;
}

/** How the machines of all tests are found, built and booted. What is not set here comes from `dryboot.config.*`. */
export interface DrybootSettings
  extends
    GuestDefaults,
    Pick<BuildOptions, "nixPath" | "machinesDirectory">,
    Pick<BootOptions, "accelerator" | "lane"> {
  /** A path that starts at `cwd`, a URL or `channel:NAME`. @default what `<nixpkgs>` is, or else the pocket */
  readonly nixpkgs?: string;
  /** Where relative paths start. @default the root of the vitest project */
  readonly cwd?: string;
  /**
   * How long a test may take, without the time that it waits for other guests to end; `test.testTimeout` goes before it,
   * and counts that too. @default 150000, and four times that under TCG
   */
  readonly testLimitMs?: number;
  /** Whether the guests of a failed test are kept until somebody has looked at them. @default what `DRYBOOT_PAUSE` says */
  readonly pause?: boolean;
  /** Of single machines, by name. */
  readonly machines?: Readonly<Record<string, GuestDefaults>>;
}

/** The plug-in by which `dryboot test` hands its options to the one of the configuration, as its `api`. */
export const commandLinePlugin = "dryboot-command-line";

declare module "vitest" {
  interface ProvidedContext {
    dryboot: DrybootSettings;
    /** What runs this project's tests by hand. */
    drybootCommand: readonly string[];
    /** How long a test may take for which nobody has said it. */
    drybootTestLimitMs: number;
  }
}
