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
  /** Ends it with all that it started. */
  stop(): Promise<void>;
}

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
  return {
    pid: Number(pid),
    // A zombie has ended, even where nobody has asked how.
    isRunning: async () =>
      !(await runner.execute(`stat=$(<"/proc/${pid}/stat"); [[ \${stat##*) } != Z* ]]`)).failed,
    output: () => run(`cat -- ${log}`),
    stop: async () => {
      await run(`kill -- -${pid} 2>/dev/null || true`);
    },
  };
}
