import { UsageError } from "../../errors.ts";
import { CommandFailedError } from "../command.ts";
import { didYouMean, differenceOf, isComparable, matches, mostShown, show } from "../compare.ts";
import type { Expectation, Observation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { octal, permissionBits } from "./file-mode.ts";
import { named, textOrPattern } from "./named.ts";
import { Subject } from "./subject.ts";

export type FileType = "file" | "directory" | "link" | "socket" | "pipe" | "device";

const fileTypes: readonly FileType[] = ["file", "directory", "link", "socket", "pipe", "device"];

export interface FileStatus {
  /** Of what the path leads to, through symbolic links. */
  readonly type: FileType;
  /** Permission bits, `0o644`. */
  readonly mode: number;
  readonly owner: string;
  readonly group: string;
  readonly sizeBytes: number;
  /** Where the path itself points to; `undefined` where it is no symbolic link. */
  readonly target: string | undefined;
}

const mostBytes = 64 * 1024 * 1024;

// Of what is missing: the nearest directory above it that exists, whether that one can be written to and whether
// systemd has still something to do, and what lies in it.
const look = `
[[ $1 == /* ]] || set -- "$PWD/$1"
if status=$(stat -L -c '%f %s %U %G' -- "$1" 2>&1); then
  echo "status $status"
else
  [[ $status == *'No such file'* || $status == *'Not a directory'* ]] || { echo "$status" >&2; exit 1; }
  above=\${1%/*}; while [ -n "$above" ] && [ ! -d "$above" ]; do above=\${above%/*}; done
  echo "above \${above:-/}"
  [ -w "\${above:-/}" ] || [ -n "$(systemctl list-jobs --no-legend 2>&1)" ] || echo "stuck"
fi
[ ! -L "$1" ] || echo "target $(readlink -n -- "$1")"
`;
const neighbours = `find -- "$above" -mindepth 1 -maxdepth 1 -printf 'near %p\\n' 2>/dev/null | head -n 500 || true`;

/** A path in the guest, read anew each time; symbolic links are followed, as NixOS is full of them. */
export class File extends Subject {
  readonly kind = "file";
  readonly path: string;

  constructor(runner: CommandRunner, path: string) {
    super(runner);
    this.path = named("file", path);
  }

  async exists(): Promise<boolean> {
    return (await this.status()) !== undefined;
  }

  /** `undefined` where nothing is at the path, or a link that leads nowhere. */
  async status(): Promise<FileStatus | undefined> {
    return parseLook(await this.read(look, [this.path])).status;
  }

  /** The content as text. @throws CommandFailedError where there is no such file */
  async content(): Promise<string> {
    const result = await this.runner.execute(["cat", "--", this.path], {
      environment: { LC_ALL: "C" },
      purpose: `read ${this}`,
      maxOutputBytes: mostBytes,
    });
    if (result.failed) throw new CommandFailedError(this.runner.name, result);
    return result.stdout;
  }

  /** Where a symbolic link points to; `undefined` when it is none. */
  async target(): Promise<string | undefined> {
    const result = await this.ask('readlink -n -- "$1"', [this.path]);
    return result.failed ? undefined : result.stdout;
  }

  /** @internal */
  existing(): Expectation {
    return this.#comparing("to exist", ({ type }) => ({ holds: true, saw: `is a ${type}` }));
  }

  /** @internal */
  withContent(expected: string | RegExp): Expectation {
    textOrPattern("a file's content", expected);
    const observe = async (): Promise<Observation> => {
      const { status, absence } = await this.#look();
      if (status === undefined) return absence;
      // To read from a pipe or a device may take for ever, and takes away what others wait for.
      if (status.type !== "file") return { holds: false, saw: `is a ${status.type}` };
      const content = await this.content();
      const holds = matches(content, expected);
      const isLong = typeof expected === "string" && content.length > mostShown;
      const saw =
        isLong && !holds ? differenceOf(content, expected) : `has the content ${show(content)}`;
      return { holds, saw, ...(isComparable(content) ? { actual: content } : {}) };
    };
    const comparable = typeof expected === "string" ? { expected } : {};
    return this.expecting(`to have the content ${show(expected)}`, observe, comparable);
  }

  /** @internal */
  withMode(expected: number | string): Expectation {
    const wanted = permissionBits(expected);
    return this.#comparing(`to have the mode ${octal(wanted)}`, ({ mode }) => ({
      holds: mode === wanted,
      saw: `has the mode ${octal(mode)}`,
    }));
  }

  /** `user`, or `user:group`. @internal */
  withOwner(expected: string): Expectation {
    return this.#comparing(`to belong to ${expected}`, ({ owner, group }) => ({
      holds: expected === owner || expected === `${owner}:${group}`,
      saw: `belongs to ${owner}:${group}`,
    }));
  }

  /** @internal */
  ofType(expected: FileType): Expectation {
    if (!fileTypes.includes(expected)) {
      throw new UsageError(
        `a file's type is one of ${fileTypes.join(", ")}, not ${JSON.stringify(expected)}`,
      );
    }
    return this.#comparing(`to be a ${expected}`, ({ type, target }) => ({
      holds: expected === type || (expected === "link" && target !== undefined),
      saw: target === undefined ? `is a ${type}` : `is a link to a ${type}`,
    }));
  }

  /** Of the link itself, not of where a chain of links ends. @internal */
  withTarget(expected: string | RegExp): Expectation {
    textOrPattern("a link's target", expected);
    const observe = async (): Promise<Observation> => {
      const { target, status, absence } = await this.#look();
      if (target !== undefined) {
        return { holds: matches(target, expected), saw: `points to ${show(target)}` };
      }
      return status === undefined
        ? absence
        : { holds: false, saw: `is no link but a ${status.type}` };
    };
    return this.expecting(`to point to ${show(expected)}`, observe);
  }

  #comparing(wanted: string, compare: (status: FileStatus) => Observation): Expectation {
    return this.expecting(wanted, async () => {
      const { status, absence } = await this.#look();
      return status === undefined ? absence : compare(status);
    });
  }

  async #look(): Promise<Look & { readonly absence: Observation }> {
    const found = parseLook(
      await this.read(`${look}\n[ -z "\${above-}" ] || ${neighbours}`, [this.path]),
    );
    const { above = "/", near, target, stuck } = found;
    const missing = this.path.slice(0, Math.max(1, this.path.lastIndexOf("/")));
    const what = target === undefined ? "does not exist" : `points to ${target}, where nothing is`;
    const start = `; it does not start with /, so it was looked for in ${above}`;
    const where = !this.path.startsWith("/")
      ? start
      : missing === above
        ? didYouMean(this.path, near, missing.length)
        : `; ${above} has nothing that leads to it`;
    const why = stuck ? `; it cannot come, for ${above} is on a file system that is read-only` : "";
    // A daemon of Nix writes to the store all the same.
    const hopeless = stuck && !this.path.startsWith("/nix/store/");
    return { ...found, absence: { holds: false, saw: what + where + why, hopeless } };
  }

  toString(): string {
    return `file ${this.path} of ${this.runner.name}`;
  }
}

interface Look {
  readonly status: FileStatus | undefined;
  readonly target: string | undefined;
  /** The nearest directory above, where nothing is at the path. */
  readonly above: string | undefined;
  readonly near: readonly string[];
  readonly stuck: boolean;
}

function parseLook(text: string): Look {
  const all = [...text.matchAll(/^(status|target|above|near|stuck)(?: (.*))?$/gm)];
  const values = (name: string): string[] =>
    all.filter(([, key]) => key === name).map(([, , value = ""]) => value);
  const [target] = values("target");
  const [status] = values("status");
  return {
    status: status === undefined ? undefined : parseStatus(status, target),
    target,
    above: values("above")[0],
    near: values("near"),
    stuck: values("stuck").length > 0,
  };
}

const types: Readonly<Record<number, FileType>> = {
  0o01: "pipe",
  0o02: "device",
  0o04: "directory",
  0o06: "device",
  0o10: "file",
  0o12: "link",
  0o14: "socket",
};

function parseStatus(text: string, target: string | undefined): FileStatus {
  const [mode = "", size, owner = "", group = ""] = text.trim().split(" ");
  const bits = Number.parseInt(mode, 16);
  return {
    type: types[bits >> 12] ?? "file",
    mode: bits & 0o7777,
    owner,
    group,
    sizeBytes: Number(size),
    target,
  };
}
