import type { Context } from "./context.ts";
import type { OptionName, Options } from "./options.ts";

/** What stands behind a command's name. */
export interface Call {
  readonly words: readonly string[];
  /** Everything behind `--`. */
  readonly guestCommand: readonly string[];
  readonly options: Options;
}

export interface CommandRow {
  /** Its name and what may stand behind it. */
  readonly usage: string;
  readonly description: string;
  /** Those that it has a use for; every other one is refused. */
  readonly takes: readonly OptionName[];
  /** Gives the exit code. Imports the command, so that `--help` loads none of them. */
  readonly perform: (call: Call, context: Context) => Promise<number>;
}

const output = ["json", "verbose", "quiet"] as const;
const search = ["nixpkgs", "include"] as const;
const machine = [...search, "expr", "memory", "cores"] as const;

export const commandTable: readonly CommandRow[] = [
  {
    usage: "smoke [machine...]",
    description: "build, boot and check machines; all of them when none is named",
    takes: [...output, ...machine, "accel", "no-lane", "timeout", "cold", "keep", "setup", "junit"],
    async perform({ words, guestCommand, options }, context) {
      if (options.setup === true) await (await import("./commands/setup.ts")).prepareHost(context);
      const { smoke } = await import("./commands/smoke.ts");
      return smoke([...words, ...guestCommand], options, context);
    },
  },
  {
    usage: "test [filter...]",
    description: "run the tests of the machines here, as npm test does",
    takes: ["json", ...search, "accel", "no-lane", "memory", "cores", "timeout", "cold", "pause"],
    perform: async ({ words, guestCommand, options }, context) =>
      (await import("./commands/test.ts")).test([...words, ...guestCommand], options, context),
  },
  {
    usage: "build [machine]",
    description: "print the store path of a machine's vm",
    takes: [...output, ...machine, "system"],
    perform: async ({ words: [reference], options }, context) =>
      (await import("./commands/build.ts")).build(
        reference,
        { system: options.system === true },
        context,
      ),
  },
  {
    usage: "boot [machine]",
    description: "boot a machine and give the terminal to its console",
    takes: [...machine, "accel", "keep", "verbose", "quiet"],
    perform: async ({ words: [reference] }, context) =>
      (await import("./commands/boot.ts")).boot(reference, context),
  },
  {
    usage: "run [machine]",
    description: "boot a machine and run a command in it: dryboot run MACHINE -- COMMAND…",
    takes: [...output, ...machine, "accel", "no-lane", "timeout", "cold", "keep"],
    perform: async ({ words: [reference], guestCommand }, context) =>
      (await import("./commands/run.ts")).run(reference, guestCommand, context),
  },
  {
    usage: "init",
    description: "put dryboot into the configuration repository in this directory",
    takes: [...output, ...search],
    perform: async (_, context) => (await import("./commands/init.ts")).init(context),
  },
  {
    usage: "checks [machine]",
    description: "list what smoke would check, and where each check comes from",
    takes: [...output, ...machine],
    perform: async ({ words: [reference] }, context) =>
      (await import("./commands/checks.ts")).checks(reference, context),
  },
  {
    usage: "diff [machine]",
    description:
      "show in what the vm differs from the system that is deployed, and what that leaves untested",
    takes: [...output, ...machine],
    perform: async ({ words: [reference] }, context) =>
      (await import("./commands/diff.ts")).diff(reference, context),
  },
  {
    usage: "attach <directory>",
    description: "give the terminal to a guest that a failed test keeps",
    takes: ["quiet"],
    perform: async ({ words: [directory = "."] }, context) =>
      (await import("./commands/attach.ts")).attach(directory, context),
  },
  {
    usage: "list",
    description: "list the machines that can be called by name",
    takes: [...output, ...search],
    perform: async (_, context) => (await import("./commands/list.ts")).list(context),
  },
  {
    usage: "cache [machine...]",
    description: "list the checkpoints that starts are restored from, or remove them",
    takes: [...output, "remove"],
    perform: async ({ words, options }, context) =>
      (await import("./commands/cache.ts")).cache(
        words,
        { remove: options.remove === true },
        context,
      ),
  },
  {
    usage: "doctor",
    description: "say what this host can do, and how to mend what it cannot",
    takes: [...output, ...search, "accel"],
    perform: async (_, context) => (await import("./commands/doctor.ts")).doctor(context),
  },
  {
    usage: "setup",
    description: "install what this host lacks",
    takes: [...output, ...search],
    perform: async (_, context) => (await import("./commands/setup.ts")).setup(context),
  },
];
