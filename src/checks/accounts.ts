import { quoteCommand } from "../machine/shell.ts";
import type { Manifest } from "../nix/index.ts";
import type { Questions } from "./sections.ts";

/** The guest's own user database, and what belongs to its users. */
export interface Accounts {
  readonly users: ReadonlyMap<string, Account>;
  readonly groups: ReadonlyMap<string, Group>;
  /** Owner of each home directory that is there. */
  readonly homes: ReadonlyMap<string, string>;
  /** By user: the lines that an ssh server accepts; `undefined` without a file. */
  readonly authorizedKeys: ReadonlyMap<string, readonly string[]>;
}

export interface Account {
  readonly uid: number;
  readonly gid: number;
  readonly home: string;
  readonly shell: string;
}

export interface Group {
  readonly gid: number;
  readonly members: readonly string[];
}

export function accountsQuestions({ users }: Manifest): Questions {
  const homes = users.filter(({ createHome }) => createHome).map(({ home }) => home);
  const withKeys = users
    .filter(({ authorizedKeys }) => authorizedKeys.length > 0)
    .map(({ name }) => name);
  return {
    passwd: "cat /etc/passwd",
    group: "cat /etc/group",
    homes:
      homes.length === 0 ? "true" : `stat --dereference --format='%U %n' -- ${quoteCommand(homes)}`,
    keys: withKeys.length === 0 ? "true" : keysCommand(withKeys),
  };
}

/** The file that NixOS keeps them in, and the user's own. */
function keysCommand(users: readonly string[]): string {
  return `for user in ${quoteCommand(users)}; do
  printf '\\0%s\\n' "$user"
  home=$(getent passwd "$user" | cut -d: -f6) || true
  for file in "/etc/ssh/authorized_keys.d/$user" "$home/.ssh/authorized_keys"; do
    if [ -f "$file" ]; then cat -- "$file"; echo; fi
  done
done`;
}

export function parseAccounts(section: (name: string) => string): Accounts {
  const rows = (name: string): string[][] =>
    section(name)
      .split("\n")
      .filter((line) => line.includes(":"))
      .map((line) => line.split(":"));
  return {
    users: new Map(
      rows("passwd").map(([name = "", , uid, gid, , home = "", shell = ""]) => [
        name,
        { uid: Number(uid), gid: Number(gid), home, shell },
      ]),
    ),
    groups: new Map(
      rows("group").map(([name = "", , gid, members = ""]) => [
        name,
        { gid: Number(gid), members: members.split(",").filter((member) => member !== "") },
      ]),
    ),
    homes: new Map(
      [...section("homes").matchAll(/^(\S+) (\/.*)$/gm)].map(([, owner = "", path = ""]) => [
        path,
        owner,
      ]),
    ),
    authorizedKeys: new Map(
      section("keys")
        .split("\0")
        .slice(1)
        .map((text) => {
          const [user = "", ...lines] = text.split("\n");
          return [user, lines.map((line) => line.trim()).filter((line) => line !== "")];
        }),
    ),
  };
}
