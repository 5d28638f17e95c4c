import { CommandFailedError } from "../command.ts";
import { matches, show } from "../compare.ts";
import type { CommandRunner } from "../runner.ts";
import type { Expectation, Observation } from "../observe.ts";

export interface FileStatus {
  readonly kind: "file" | "directory" | "link" | "socket" | "pipe" | "device";
  /** Permission bits, `0o644`. */
  readonly mode: number;
  readonly owner: string;
  readonly group: string;
  readonly sizeBytes: number;
}

/** A path in the guest, read anew each time; symbolic links are followed, as NixOS is full of them. */
export class File {
  readonly path: string;
  readonly #runner: CommandRunner;

  constructor(runner: CommandRunner, path: string) {
    this.#runner = runner;
    this.path = path;
  }

  async exists(): Promise<boolean> {
    return (await this.status()) !== undefined;
  }

  /** `undefined` where nothing is at the path, or a link that leads nowhere. */
  async status(): Promise<FileStatus | undefined> {
    const result = await this.#run(["stat", "-L", "-c", "%f %s %U %G", "--", this.path]);
    if (!result.failed) return parseStatus(result.stdout);
    if (/No such file or directory|Not a directory/.test(result.stderr)) return undefined;
    throw new CommandFailedError(this.#runner.name, result);
  }

  /** The content as text. @throws CommandFailedError where there is no such file */
  async content(): Promise<string> {
    const result = await this.#run(["cat", "--", this.path]);
    if (result.failed) throw new CommandFailedError(this.#runner.name, result);
    return result.stdout;
  }

  /** Where a symbolic link points to; `undefined` when it is none. */
  async target(): Promise<string | undefined> {
    const result = await this.#run(["readlink", "-n", "--", this.path]);
    return result.failed ? undefined : result.stdout;
  }

  /** @internal */
  existing(): Expectation {
    return this.#expecting("to exist", ({ kind }) => ({ holds: true, saw: `is a ${kind}` }));
  }

  /** @internal */
  withContent(expected: string | RegExp): Expectation {
    return {
      runner: this.#runner,
      subject: this.toString(),
      wanted: `to have the content ${show(expected)}`,
      observe: async () => {
        if ((await this.status()) === undefined) return { holds: false, saw: "does not exist" };
        const content = await this.content();
        return { holds: matches(content, expected), saw: `has the content ${show(content)}` };
      },
    };
  }

  /** @internal */
  withMode(expected: number | string): Expectation {
    const wanted = typeof expected === "string" ? Number.parseInt(expected, 8) : expected;
    return this.#expecting(`to have the mode ${octal(wanted)}`, ({ mode }) => ({
      holds: mode === wanted,
      saw: `has the mode ${octal(mode)}`,
    }));
  }

  /** `user`, or `user:group`. @internal */
  withOwner(expected: string): Expectation {
    return this.#expecting(`to belong to ${expected}`, ({ owner, group }) => ({
      holds: expected === owner || expected === `${owner}:${group}`,
      saw: `belongs to ${owner}:${group}`,
    }));
  }

  #expecting(wanted: string, look: (status: FileStatus) => Observation): Expectation {
    return {
      runner: this.#runner,
      subject: this.toString(),
      wanted,
      observe: async () => {
        const status = await this.status();
        return status === undefined ? { holds: false, saw: "does not exist" } : look(status);
      },
    };
  }

  #run(argv: readonly string[]): ReturnType<CommandRunner["execute"]> {
    return this.#runner.execute(argv, { environment: { LC_ALL: "C" } });
  }

  toString(): string {
    return `file ${this.path} of ${this.#runner.name}`;
  }
}

const kinds: Readonly<Record<number, FileStatus["kind"]>> = {
  0o01: "pipe",
  0o02: "device",
  0o04: "directory",
  0o06: "device",
  0o10: "file",
  0o12: "link",
  0o14: "socket",
};

function parseStatus(text: string): FileStatus {
  const [mode = "", size, owner = "", group = ""] = text.trim().split(" ");
  const bits = Number.parseInt(mode, 16);
  return {
    kind: kinds[bits >> 12] ?? "file",
    mode: bits & 0o7777,
    owner,
    group,
    sizeBytes: Number(size),
  };
}

function octal(mode: number): string {
  return `0${mode.toString(8)}`;
}
