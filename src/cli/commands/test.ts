import { exitCodes } from "../../errors.ts";
import { runSuite, type DrybootSettings } from "../../vitest/run.ts";
import type { Context } from "../context.ts";
import type { Options } from "../options.ts";

/**
 * Runs the tests of the project in the current directory; vitest prints their results.
 * @param words parts of the paths of test files, and vitest's own options
 */
export async function test(
  words: readonly string[],
  options: Options,
  { io }: Context,
): Promise<number> {
  const passed = await runSuite({
    cwd: io.cwd,
    words: [...words, ...(options.json === true ? ["--reporter=json"] : [])],
    settings: settingsOf(options),
    signal: io.signal,
  });
  return passed ? exitCodes.held : exitCodes.failed;
}

/** What the user said; the rest comes from the project's configuration. */
function settingsOf({
  nixpkgs,
  include,
  accel,
  lane,
  memory,
  cores,
  timeout,
  cold,
  pause,
}: Options): DrybootSettings {
  return {
    ...(nixpkgs === undefined ? {} : { nixpkgs }),
    ...(include === undefined ? {} : { nixPath: include }),
    ...(accel === undefined ? {} : { accelerator: accel }),
    ...(lane === false ? { lane } : {}),
    ...(memory === undefined ? {} : { memoryMiB: memory }),
    ...(cores === undefined ? {} : { cores }),
    ...(timeout === undefined ? {} : { bootTimeoutMs: timeout * 1000 }),
    ...(cold === undefined ? {} : { cold }),
    ...(pause === undefined ? {} : { pause }),
  };
}
