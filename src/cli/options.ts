import { InvalidArgumentError, Option } from "commander";

/** What the user said; a command sees those options that it takes. */
export interface CommonOptions {
  readonly json?: boolean;
  readonly nixpkgs?: string;
  readonly include?: readonly string[];
  readonly expr?: string;
  readonly accel?: "auto" | "kvm" | "tcg";
  readonly lane?: boolean;
  readonly memory?: number;
  readonly cores?: number;
  readonly timeout?: number;
  readonly cold?: boolean;
  readonly keep?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}

/** Options that belong to one command each. */
export interface OwnOptions {
  readonly setup?: boolean;
  readonly junit?: string;
  readonly system?: boolean;
  readonly remove?: boolean;
  readonly pause?: boolean;
}

export type Options = CommonOptions & OwnOptions;

/** As the command line has it. */
export type OptionName = Exclude<keyof Options, "lane"> | "no-lane";

const table: Readonly<Record<OptionName, () => Option>> = {
  json: () => new Option("--json", "print results as JSON, one object a line"),
  nixpkgs: () =>
    new Option("--nixpkgs <path>", "the nixpkgs to build from: a path, a URL or channel:NAME"),
  include: () =>
    new Option("-I, --include <name=path>", "an entry for Nix's search path").argParser(collect),
  expr: () =>
    new Option("--expr <nix>", "a configuration written on the spot, in place of a machine"),
  accel: () =>
    new Option("--accel <name>", "how QEMU runs the guest").choices(["auto", "kvm", "tcg"]),
  "no-lane": () => new Option("--no-lane", "send commands over the guest's console"),
  memory: () => new Option("--memory <MiB>", "memory of a guest").argParser(positiveInteger),
  cores: () =>
    new Option("--cores <number>", "virtual processors of a guest").argParser(positiveInteger),
  timeout: () =>
    new Option(
      "--timeout <seconds>",
      "limit for a boot, and again for its services to settle",
    ).argParser(positiveInteger),
  cold: () => new Option("--cold", "boot at each start, and restore no checkpoint"),
  keep: () => new Option("--keep", "keep the run directory, also when all is well"),
  verbose: () => new Option("--verbose", "show every check, and whole traces of Nix"),
  quiet: () => new Option("--quiet", "no progress, only results and errors"),
  setup: () => new Option("--setup", "install what this host lacks first"),
  junit: () => new Option("--junit <file>", "also write the results to a file, in JUnit's format"),
  pause: () =>
    new Option("--pause", "keep the guest of a failed test until somebody was at its console"),
  remove: () => new Option("--remove", "remove those that are listed"),
  system: () => new Option("--system", "of the system that is deployed instead"),
};

export function optionsNamed(names: readonly OptionName[]): Option[] {
  return names.map((name) => table[name]());
}

/** Whether some command takes it: `--memory`, `-I`. */
export function isKnownFlag(flag: string): boolean {
  return Object.values(table).some((create) => [create().short, create().long].includes(flag));
}

function collect(value: string, before: readonly string[] = []): readonly string[] {
  if (value.includes("=")) return [...before, value];
  throw new InvalidArgumentError("It must be NAME=PATH.");
}

function positiveInteger(value: string): number {
  const number = Number(value);
  if (Number.isSafeInteger(number) && number >= 1) return number;
  throw new InvalidArgumentError("It must be a whole number, at least 1.");
}
