import { UsageError } from "../../errors.ts";
import { didYouMean, enumerate, matches, missingFrom, show } from "../compare.ts";
import type { Expectation, Observation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { named, textOrPattern } from "./named.ts";
import { Subject } from "./subject.ts";

export interface UserEntry {
  readonly uid: number;
  readonly home: string;
  readonly shell: string;
  /** The primary group first. */
  readonly groups: readonly string[];
  /** Lines that let the user in by ssh: those of NixOS's configuration, and those of the home directory. */
  readonly authorizedKeys: readonly string[];
}

const script = `
getent passwd -- "$1" || { getent passwd | cut -d: -f1; exit; }
id -Gn -- "$1"
IFS=: read -r _ _ _ _ _ home _ < <(getent passwd -- "$1")
for file in "/etc/ssh/authorized_keys.d/$1" "$home/.ssh/authorized_keys"; do
  [ ! -r "$file" ] || cat -- "$file"; echo
done`;

/** A user of the guest, wherever the guest's name service has it from. */
export class User extends Subject {
  readonly kind = "user";
  readonly name: string;

  constructor(runner: CommandRunner, name: string) {
    super(runner);
    this.name = named("user", name);
  }

  /** `undefined` where there is no such user. */
  async entry(): Promise<UserEntry | undefined> {
    const { entry } = await this.#look();
    return entry;
  }

  /** @internal */
  existing(): Expectation {
    return this.#comparing("to exist", ({ uid }) => ({ holds: true, saw: `exists (uid ${uid})` }));
  }

  /** @internal */
  withUid(expected: number): Expectation {
    return this.#comparing(`to have the uid ${expected}`, ({ uid }) => ({
      holds: uid === expected,
      saw: `has the uid ${uid}`,
    }));
  }

  /** @internal */
  withHome(expected: string): Expectation {
    return this.#comparing(`to have the home ${show(expected)}`, ({ home }) => ({
      holds: home === expected,
      saw: `has the home ${show(home)}`,
    }));
  }

  /** A path, or the shell's name alone: store paths change with each version. @internal */
  withShell(expected: string | RegExp): Expectation {
    textOrPattern("a shell", expected);
    return this.#comparing(`to have the shell ${show(expected)}`, ({ shell }) => ({
      holds:
        matches(shell, expected) ||
        (typeof expected === "string" && shell.endsWith(`/${expected}`)),
      saw: `has the shell ${show(shell)}`,
    }));
  }

  /** @internal */
  memberOf(expected: string | readonly string[]): Expectation {
    const wanted = typeof expected === "string" ? [expected] : expected;
    return this.#comparing(`to be a member of ${wanted.join(", ")}`, ({ groups }) => ({
      holds: missingFrom(groups, wanted).length === 0,
      saw: `is a member of ${enumerate(groups)}`,
    }));
  }

  /** Compared without its options and its comment. @internal */
  authorizedBy(expected: string): Expectation {
    const wanted = keyOf(expected);
    if (wanted === undefined) {
      throw new UsageError(`${show(expected)} is no public key of ssh: ssh-ed25519 AAAA… is one`);
    }
    return this.#comparing(`to be let in by the ssh key ${brief(expected)}`, (entry) => ({
      holds: entry.authorizedKeys.some((line) => keyOf(line) === wanted),
      saw:
        entry.authorizedKeys.length === 0
          ? "has no authorized key"
          : `is let in by ${enumerate(entry.authorizedKeys.map(brief), 4)}`,
    }));
  }

  #comparing(wanted: string, look: (entry: UserEntry) => Observation): Expectation {
    return this.expecting(wanted, async () => {
      const { entry, others } = await this.#look();
      if (entry !== undefined) return look(entry);
      return { holds: false, saw: `does not exist${didYouMean(this.name, others)}` };
    });
  }

  async #look(): Promise<{ readonly entry?: UserEntry; readonly others: readonly string[] }> {
    const lines = (await this.read(script, [this.name])).split("\n");
    const [passwd = "", groups = "", ...rest] = lines;
    const [name, , uid, , , home = "", shell = ""] = passwd.split(":");
    if (uid === undefined) return { others: lines.filter((line) => line !== "") };
    const authorizedKeys = rest.filter((line) => /^[^#\s]/.test(line));
    return {
      entry: { uid: Number(uid), home, shell, groups: groups.split(" "), authorizedKeys },
      others: name === undefined ? [] : [name],
    };
  }

  toString(): string {
    return `user ${this.name} of ${this.runner.name}`;
  }
}

/** The type and the key itself, out of a line that may have options before them and a comment behind. */
function keyOf(line: string): string | undefined {
  return /(?:^|\s)((?:ssh-|ecdsa-|sk-)\S+\s+[A-Za-z0-9+/=]+)/.exec(line)?.[1];
}

/** A key by its end, since all of a type begin alike. */
function brief(line: string): string {
  return line.trim().replace(/ [A-Za-z0-9+/=]*([A-Za-z0-9+/=]{16})(?=\s|$)/, " …$1");
}
