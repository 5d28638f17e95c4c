import { setTimeout as sleep } from "node:timers/promises";
import { CommandFailedError } from "./command.ts";
import type { CommandRunner } from "./runner.ts";
import { quoteArgument, strict } from "./shell.ts";

/** A command that runs on in the guest while others are run. */
export interface BackgroundCommand {
  /** Leader of a process group and session of its own. */
  readonly pid: number;
  isRunning(): Promise<boolean>;
  /** What it has written so far, stdout and stderr together. */
  output(): Promise<string>;
  /**
   * Hands out what it writes, stdout and stderr together, from its beginning to its end; ends with the command.
   * The next piece comes when the promise that the listener returns has resolved.
   */
  stream(onOutput: (bytes: Uint8Array) => void | Promise<void>): Promise<void>;
  /** Ends it with all that it started. */
  stop(): Promise<void>;
}

const shortestPauseMs = 50;
const longestPauseMs = 500;
const endedCode = 10;

export async function startInBackground(
  runner: CommandRunner,
  command: string,
): Promise<BackgroundCommand> {
  const run = async (text: string): Promise<string> => {
    const result = await runner.execute(text);
    if (result.failed) throw new CommandFailedError(runner.name, result);
    return result.stdout;
  };
  const [pid = "", log = ""] = (
    await run(`log=$(mktemp -t background.XXXXXXXX)
setsid bash -c ${quoteArgument(strict(command))} </dev/null >"$log" 2>&1 &
echo "$! $log"`)
  )
    .trim()
    .split(" ");
  // A zombie has ended, even where nobody has asked how.
  const runs = `{ stat=$(<"/proc/${pid}/stat") && [[ \${stat##*) } != Z* ]]; } 2>/dev/null`;
  return {
    pid: Number(pid),
    isRunning: async () => !(await runner.execute(runs)).failed,
    output: () => run(`cat -- ${log}`),
    async stream(onOutput) {
      let handedOut = 0;
      let pauseMs = shortestPauseMs;
      for (;;) {
        const before = handedOut;
        // Whether it runs is asked first: what it has written when it has ended is all.
        const { exitCode } = await runner.execute(
          `ended=0; ${runs} || ended=${endedCode}; tail -c +${handedOut + 1} -- ${log}; exit $ended`,
          {
            onOutput: (_, bytes) => {
              handedOut += bytes.length;
              return onOutput(bytes);
            },
          },
        );
        if (handedOut > before) pauseMs = shortestPauseMs;
        else if (exitCode === endedCode) return;
        await sleep(
          pauseMs,
          undefined,
          runner.signal === undefined ? {} : { signal: runner.signal },
        );
        pauseMs = Math.min(pauseMs * 2, longestPauseMs);
      }
    },
    stop: async () => {
      await run(`kill -- -${pid} 2>/dev/null || true`);
    },
  };
}
