import { didYouMean, matches, show } from "../compare.ts";
import { section } from "../command.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { named } from "./named.ts";
import { Subject } from "./subject.ts";

/** Which of the processes with a name are meant. */
export interface ProcessOptions {
  /** Counts only those of this user. @default any */
  readonly user?: string;
  /** Counts only those whose command line, with its arguments parted by blanks, matches. @default any */
  readonly commandLine?: string | RegExp;
}

export interface ProcessEntry {
  readonly pid: number;
  /** What the kernel calls it: at most 15 characters. */
  readonly name: string;
  readonly user: string;
  /** Empty for a thread of the kernel. */
  readonly commandLine: readonly string[];
}

// Two programs for all processes of the guest, however many there are.
const script = `
getent passwd | cut -d: -f1,3; echo =
grep -HsE '^(Name|State|Uid):' /proc/[0-9]*/status || true; echo =
grep -Hsaz '' /proc/[0-9]*/cmdline | tr '\\n\\0' '\\0\\n' || true`;

/** The processes of the guest that have a name: the kernel's, or that of the program in their command line. */
export class Process extends Subject {
  readonly kind = "process";
  readonly name: string;
  readonly #options: ProcessOptions;

  constructor(runner: CommandRunner, name: string, options: ProcessOptions = {}) {
    super(runner);
    this.name = named("process", name);
    this.#options = options;
  }

  /** Those that run now; zombies do not. */
  async entries(): Promise<ProcessEntry[]> {
    return (await this.#all()).filter((entry) => this.#isMeant(entry));
  }

  /** @internal */
  running({ count }: { readonly count?: number } = {}): Expectation {
    const times = count === undefined ? [] : [count === 1 ? "once" : `${count} times`];
    const wanted = ["to be running", ...times, ...this.#conditions].join(" ");
    return this.expecting(
      wanted,
      async () => {
        const all = await this.#all();
        const own = all.filter((entry) => this.#isMeant(entry));
        if (own.length === 0) return { holds: count === 0, saw: this.#absence(all) };
        const pids = own.map(({ pid }) => pid).join(", ");
        const saw = `is running (${own.length === 1 ? "pid" : `${own.length} times: pids`} ${pids})`;
        return { holds: count === undefined || own.length === count, saw };
      },
      {
        evidence: async () => {
          const named = (await this.#all()).filter((entry) => hasName(entry, this.name));
          const lines = named.map(
            ({ pid, user, commandLine }) => `${pid} ${user} ${commandLine.join(" ")}`,
          );
          return section(`processes called ${this.name}`, lines.join("\n"));
        },
      },
    );
  }

  #isMeant(entry: ProcessEntry): boolean {
    const { user, commandLine } = this.#options;
    return (
      hasName(entry, this.name) &&
      (user === undefined || entry.user === user) &&
      (commandLine === undefined || matches(entry.commandLine.join(" "), commandLine))
    );
  }

  #absence(all: readonly ProcessEntry[]): string {
    const named = all.filter((entry) => hasName(entry, this.name));
    if (named.length === 0) {
      const names = all.flatMap((entry) => namesOf(entry));
      return `is not running${didYouMean(this.name, [...new Set(names)])}`;
    }
    return `none of the ${named.length} processes of that name is so`;
  }

  get #conditions(): string[] {
    const { user, commandLine } = this.#options;
    return [
      ...(user === undefined ? [] : [`as ${user}`]),
      ...(commandLine === undefined ? [] : [`with the command line ${show(commandLine)}`]),
    ];
  }

  async #all(): Promise<ProcessEntry[]> {
    const text = await this.read(script, [], { maxOutputBytes: 16 * 1024 * 1024 });
    return parseProcesses(text);
  }

  toString(): string {
    return `process ${this.name} of ${this.runner.name}`;
  }
}

export function parseProcesses(text: string): ProcessEntry[] {
  const [passwd = "", status = "", ...rest] = text.split(/^=\n/m);
  const users = new Map(
    passwd.split("\n").map((line) => {
      const [name = "", uid = ""] = line.split(":");
      return [uid, name] as const;
    }),
  );
  const facts = new Map<number, Map<string, string>>();
  for (const [, pid, key = "", value = ""] of status.matchAll(
    /^\/proc\/(\d+)\/status:(\w+):\s*(.*)$/gm,
  )) {
    const own = facts.get(Number(pid)) ?? new Map<string, string>();
    facts.set(Number(pid), own.set(key, value));
  }
  const commandLines = new Map<number, string[]>();
  for (const line of rest.join("=\n").split("\n")) {
    const [, pid, argument = ""] = /^\/proc\/(\d+)\/cmdline:([^]*)$/.exec(line) ?? [];
    if (pid === undefined) continue;
    const own = commandLines.get(Number(pid)) ?? [];
    own.push(argument.replaceAll("\0", "\n"));
    commandLines.set(Number(pid), own);
  }
  return [...facts].flatMap(([pid, own]) => {
    if (/^[ZX]/.test(own.get("State") ?? "")) return [];
    const uid = (own.get("Uid") ?? "").split("\t")[0] ?? "";
    // Programs that write over their arguments leave empty ones.
    const commandLine = (commandLines.get(pid) ?? []).filter((argument) => argument !== "");
    return [{ pid, name: own.get("Name") ?? "", user: users.get(uid) ?? uid, commandLine }];
  });
}

function hasName(entry: ProcessEntry, name: string): boolean {
  return namesOf(entry).includes(name) || entry.name === name.slice(0, 15);
}

/** The kernel's name, the program's, and both without what Nix's wrappers put around them. */
function namesOf({ name, commandLine }: ProcessEntry): string[] {
  const program = commandLine[0]?.replace(/^-/, "").split(" ")[0]?.replace(/:$/, "") ?? "";
  const names = [name, program.slice(program.lastIndexOf("/") + 1)];
  const unwrapped = names.map((each) => each.replace(/^\.(.*)-wrapped?$/, "$1"));
  return [...new Set([...names, ...unwrapped])].filter((each) => each !== "");
}
