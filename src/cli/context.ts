import { createPalette, type Palette } from "../report/index.ts";
import type { Io } from "./io.ts";
import { createProgress, type Progress } from "./progress.ts";
import { repeatCommand } from "./repeat.ts";
import type { CommonOptions } from "./options.ts";
import { readSettings, type Settings } from "./settings.ts";

/** What every command works with. */
export interface Context extends Disposable {
  readonly io: Io;
  readonly settings: Settings;
  readonly progress: Progress;
  /** Colours for stdout and for stderr. */
  readonly palettes: { readonly stdout: Palette; readonly stderr: Palette };
  /** What a user types to do the same again. */
  readonly repeatCommand: string;
}

export async function createContext(
  options: CommonOptions,
  io: Io,
  argv: readonly string[],
): Promise<Context> {
  const settings = await readSettings(options, io);
  const isLive = io.stderr.isTTY === true && io.environment["TERM"] !== "dumb";
  const progress = createProgress({
    stream: io.stderr,
    mode: settings.quiet ? "silent" : isLive && !settings.verbose ? "live" : "plain",
    verbose: settings.verbose,
  });
  return {
    io,
    settings,
    progress,
    palettes: {
      stdout: createPalette(io.stdout, io.environment),
      stderr: createPalette(io.stderr, io.environment),
    },
    repeatCommand: repeatCommand(io, argv),
    [Symbol.dispose]: () => progress[Symbol.dispose](),
  };
}
