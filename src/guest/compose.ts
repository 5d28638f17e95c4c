import { UsageError } from "../errors.ts";
import type { CommandRequest } from "./channel.ts";
import { quoteWord, quoteWords } from "../shell-quote.ts";

/**
 * Shell text that becomes the command: it ends in an `exec`, so that nothing of the shell that
 * reads it is left.
 * @throws UsageError when a part holds what no shell can take
 */
export function composeCommand({ command, environment, cwd, user }: CommandRequest): string {
  const action =
    typeof command === "string"
      ? `exec bash -c ${quoteWord(command)} bash`
      : `exec -- ${quoteWords(command)}`;
  if (typeof command !== "string" && command.length === 0) {
    throw new UsageError("an empty argument vector is no command");
  }
  const exports = Object.entries(environment ?? {}).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new UsageError(`${JSON.stringify(name)} is no name of an environment variable`);
    }
    return `export ${name}=${quoteWord(value)}`;
  });
  const change = cwd === undefined ? [] : [`cd -- ${quoteWord(cwd)} || exit 126`];
  const text = [...exports, ...change, action].join("\n");
  const whole = user === undefined ? text : asUser(user, text);
  if (whole.includes("\0")) throw new UsageError("a command cannot hold a NUL character");
  return whole;
}

function asUser(user: string, text: string): string {
  // The manager of the user's units is found by this directory; not every PAM stack sets it.
  const runtime = `[ -n "$XDG_RUNTIME_DIR" ] || { d=/run/user/$(id -u); [ ! -d "$d" ] || export XDG_RUNTIME_DIR="$d"; }`;
  // Where the session of runuser does not start that manager, nothing else would.
  const manager = `{ id=$(id -u -- ${quoteWord(user)}) && [ -d /run/systemd/system ] &&
[ ! -S "/run/user/$id/systemd/private" ] && systemctl start "user@$id.service"; } >/dev/null 2>&1`;
  const inner = `exec bash -c ${quoteWord(`${runtime}\n${text}`)}`;
  return `${manager}\nexec runuser -s /bin/sh -c ${quoteWord(inner)} -l -- ${quoteWord(user)}`;
}
