import { CommandFailedError, type CommandResult } from "./command.ts";
import type { CommandRunner, RunOptions } from "./runner.ts";

/** Which systemd of the guest is asked. */
export interface SystemdOptions {
  /** The instance of this user instead of the system's. */
  readonly user?: string;
}

/** What is asked, for messages, and of whom. */
export type SystemdQuestion = SystemdOptions & Pick<RunOptions, "purpose">;

/** Runs bash text in which `systemctl` speaks to that systemd; the arguments are `$1`, `$2` … */
export function askSystemd(
  runner: CommandRunner,
  script: string,
  args: readonly string[] = [],
  { user, purpose }: SystemdQuestion = {},
): Promise<CommandResult> {
  const prelude = user === undefined ? "" : 'systemctl() { command systemctl --user "$@"; }\n';
  return runner.execute(["bash", "-c", prelude + script, "bash", ...args], {
    environment: { LC_ALL: "C", SYSTEMD_COLORS: "0", SYSTEMD_PAGER: "" },
    ...(user === undefined ? {} : { user }),
    ...(purpose === undefined ? {} : { purpose }),
  });
}

/** The stdout of such a text. @throws CommandFailedError where it fails */
export async function readSystemd(
  runner: CommandRunner,
  ...[script, args, options]: [script: string, args?: readonly string[], options?: SystemdQuestion]
): Promise<string> {
  const result = await askSystemd(runner, script, args, options);
  if (result.failed) throw new CommandFailedError(runner.name, result);
  return result.stdout;
}
