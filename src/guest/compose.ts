import { UsageError } from "../errors.ts";
import { quoteWord, quoteWords } from "../shell-quote.ts";
import type { CommandRequest } from "./channel.ts";

/** Linux's limit for one word of an argument vector or of the environment, its NUL included. */
const maxWordBytes = 128 * 1024;
// What is longer is not given to a shell as an argument; quoting makes text a little longer.
const longTextBytes = 64 * 1024;

/**
 * Shell text that becomes the command: it ends in an `exec`, so that nothing of the shell that
 * reads it is left. Text of any length may be a command's; words and the environment have the
 * kernel's limits.
 * @throws UsageError when a part holds what no shell or kernel can take
 */
export function composeCommand({ command, environment, cwd, user }: CommandRequest): string {
  const action = typeof command === "string" ? execText(command) : execWords(command);
  const change = cwd === undefined ? [] : [`cd -- ${quoteWord(cwd)} || exit 126`];
  const text = [...exportsOf(environment ?? {}), ...change, action].join("\n");
  const whole = user === undefined ? text : asUser(user, text);
  if (whole.includes("\0")) throw new UsageError("a command cannot hold a NUL character");
  return whole;
}

function execWords(words: readonly string[]): string {
  if (words.length === 0) throw new UsageError("an empty argument vector is no command");
  for (const [index, word] of words.entries()) checkLength(word, `argument ${index}`);
  return `exec -- ${quoteWords(words)}`;
}

function exportsOf(environment: Readonly<Record<string, string>>): string[] {
  return Object.entries(environment).map(([name, value]) => {
    if (!/^[A-Za-z_][A-Za-z0-9_]*$/.test(name)) {
      throw new UsageError(`${JSON.stringify(name)} is no name of an environment variable`);
    }
    checkLength(`${name}=${value}`, `the environment variable ${name}`);
    return `export ${name}=${quoteWord(value)}`;
  });
}

function checkLength(word: string, what: string): void {
  const bytes = Buffer.byteLength(word);
  if (bytes < maxWordBytes) return;
  throw new UsageError(
    `${what} has ${bytes} bytes, and Linux passes at most ${maxWordBytes - 1} in one word; ` +
      "give it to the command as stdin, or in a file",
  );
}

function execText(text: string): string {
  if (Buffer.byteLength(text) < longTextBytes) return `exec bash -c ${quoteWord(text)} bash`;
  return `exec bash -c '${readText}' bash ${textAt9(text)}`;
}

// A file that was opened by root cannot be opened again by another user, but read.
const readText = 'eval "exec 9<&-;$(cat <&9)"';

function textAt9(text: string): string {
  return `9<<<${quoteWord(text)}`;
}

function asUser(user: string, text: string): string {
  const inner = `${session}\n${text}`;
  const shell = `exec runuser -s /bin/sh -l -c`;
  const name = quoteWord(user);
  const start =
    Buffer.byteLength(inner) < longTextBytes / 2
      ? `${shell} ${quoteWord(`exec bash -c ${quoteWord(inner)}`)} -- ${name}`
      : `${shell} ${quoteWord(`exec bash -c '${readText}'`)} -- ${name} ${textAt9(inner)}`;
  return `${manager(name)}\n${start}`;
}

// The user's manager of units and its message bus; not every PAM stack sets both.
const session = `[ -n "\${XDG_RUNTIME_DIR-}" ] || { d=/run/user/$(id -u); [ ! -d "$d" ] || export XDG_RUNTIME_DIR="$d"; }
[ -n "\${DBUS_SESSION_BUS_ADDRESS-}" ] || [ ! -S "\${XDG_RUNTIME_DIR-}/bus" ] ||
export DBUS_SESSION_BUS_ADDRESS="unix:path=$XDG_RUNTIME_DIR/bus"`;

/** Where the session of runuser does not start the user's manager, nothing else would. */
function manager(name: string): string {
  return `{ id=$(id -u -- ${name}) && [ -d /run/systemd/system ] &&
[ ! -S "/run/user/$id/systemd/private" ] && systemctl start "user@$id.service"; } >/dev/null 2>&1`;
}
