import { InvalidArgumentError, Option, type Command } from "commander";

/** The options that every command takes, as the user gave them. */
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
  readonly keep?: boolean;
  readonly verbose?: boolean;
  readonly quiet?: boolean;
}

export function addCommonOptions(command: Command): Command {
  return command
    .option("--json", "print results as JSON, one object a line")
    .option("--nixpkgs <path>", "the nixpkgs to build from: a path, a URL or channel:NAME")
    .option("-I, --include <name=path>", "an entry for Nix's search path", collect)
    .option("--expr <nix>", "a configuration written on the spot, in place of a machine")
    .addOption(
      new Option("--accel <name>", "how QEMU runs the guest").choices(["auto", "kvm", "tcg"]),
    )
    .option("--no-lane", "send commands over the guest's console")
    .option("--memory <MiB>", "memory of a guest", positiveInteger)
    .option("--cores <number>", "virtual processors of a guest", positiveInteger)
    .option(
      "--timeout <seconds>",
      "limit for a boot, and again for its services to settle",
      positiveInteger,
    )
    .option("--keep", "keep the run directory, also when all is well")
    .option("--verbose", "show every check, and whole traces of Nix")
    .option("--quiet", "no progress, only results and errors");
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
