import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { DrybootError, exitCodes } from "../errors.ts";
import type { Context } from "./context.ts";
import { writeLines, type Io } from "./io.ts";
import { addCommonOptions, type CommonOptions } from "./options.ts";

/** Runs one command line; gives the exit code. */
export async function run(argv: readonly string[], io: Io): Promise<number> {
  // Everything behind `--` belongs to the guest's command.
  const separator = argv.indexOf("--");
  const own = separator < 0 ? argv : argv.slice(0, separator);
  const guestCommand = separator < 0 ? [] : argv.slice(separator + 1);
  let exitCode: number = exitCodes.held;
  const perform: Perform = async (options, work) => {
    const { createContext } = await import("./context.ts");
    using context = await createContext(options, io, argv);
    exitCode = await work(context);
  };
  try {
    await describeProgram(io, guestCommand, perform).parseAsync([...own], { from: "user" });
    return exitCode;
  } catch (error) {
    return explain(error, io);
  }
}

type Perform = (
  options: CommonOptions,
  work: (context: Context) => Promise<number>,
) => Promise<void>;

interface SmokeOptions {
  readonly setup?: boolean;
  readonly junit?: string;
}

function describeProgram(io: Io, guestCommand: readonly string[], perform: Perform): Command {
  const program = new Command("dryboot")
    .description(
      "Boots NixOS machines from their own configuration and checks them, before anybody deploys them.",
    )
    .version(packageVersion())
    .exitOverride()
    .configureOutput({
      writeOut: (text) => void io.stdout.write(text),
      writeErr: (text) => void io.stderr.write(text),
      getOutHelpWidth: () => io.stdout.columns ?? 80,
      getErrHelpWidth: () => io.stderr.columns ?? 80,
    });
  const command = (usage: string, description: string): Command =>
    addCommonOptions(program.command(usage).description(description));

  command("smoke [machine...]", "build, boot and check machines; all of them when none is named")
    .option("--setup", "install what this host lacks first")
    .option("--junit <file>", "also write the results to a file, in JUnit's format")
    .action((references: string[], options: CommonOptions & SmokeOptions) =>
      perform(options, async (context) => {
        if (options.setup === true)
          await (await import("./commands/setup.ts")).prepareHost(context);
        return (await import("./commands/smoke.ts")).smoke(
          [...references, ...guestCommand],
          options,
          context,
        );
      }),
    );
  command("test [filter...]", "run the tests of the machines here, as npm test does").action(
    (filters: string[], options: CommonOptions) =>
      perform(options, async (context) =>
        (await import("./commands/test.ts")).test([...filters, ...guestCommand], options, context),
      ),
  );
  command("build [machine]", "print the store path of a machine's vm")
    .option("--system", "of the system that is deployed instead")
    .action(
      (reference: string | undefined, options: CommonOptions & { readonly system?: boolean }) =>
        perform(options, async (context) =>
          (await import("./commands/build.ts")).build(
            reference,
            { system: options.system === true },
            context,
          ),
        ),
    );
  command("boot [machine]", "boot a machine and give the terminal to its console").action(
    (reference: string | undefined, options: CommonOptions) =>
      perform(options, async (context) =>
        (await import("./commands/boot.ts")).boot(reference, context),
      ),
  );
  command(
    "run [machine]",
    "boot a machine and run a command in it: dryboot run MACHINE -- COMMAND…",
  ).action((reference: string | undefined, options: CommonOptions) =>
    perform(options, async (context) =>
      (await import("./commands/run.ts")).run(reference, guestCommand, context),
    ),
  );
  command("init", "put dryboot into the configuration repository in this directory").action(
    (options: CommonOptions) =>
      perform(options, async (context) => (await import("./commands/init.ts")).init(context)),
  );
  command(
    "checks [machine]",
    "list what smoke would check, and where each check comes from",
  ).action((reference: string | undefined, options: CommonOptions) =>
    perform(options, async (context) =>
      (await import("./commands/checks.ts")).checks(reference, context),
    ),
  );
  command(
    "diff [machine]",
    "show in what the vm differs from the system that is deployed, and what that leaves untested",
  ).action((reference: string | undefined, options: CommonOptions) =>
    perform(options, async (context) =>
      (await import("./commands/diff.ts")).diff(reference, context),
    ),
  );
  command("attach <directory>", "give the terminal to a guest that a failed test keeps").action(
    (directory: string, options: CommonOptions) =>
      perform(options, async (context) =>
        (await import("./commands/attach.ts")).attach(directory, context),
      ),
  );
  command("list", "list the machines that can be called by name").action((options: CommonOptions) =>
    perform(options, async (context) => (await import("./commands/list.ts")).list(context)),
  );
  command("doctor", "say what this host can do, and how to mend what it cannot").action(
    (options: CommonOptions) =>
      perform(options, async (context) => (await import("./commands/doctor.ts")).doctor(context)),
  );
  command("setup", "install what this host lacks").action((options: CommonOptions) =>
    perform(options, async (context) => (await import("./commands/setup.ts")).setup(context)),
  );
  return program;
}

async function explain(error: unknown, io: Io): Promise<number> {
  // It has said everything already; help and version are no failures.
  if (error instanceof CommanderError) return error.exitCode === 0 ? 0 : exitCodes.usage;
  const report = await import("../report/index.ts");
  const palette = report.createPalette(io.stderr, io.environment);
  const data = report.toErrorData(error);
  const lines =
    error instanceof DrybootError
      ? report.renderError(data, palette)
      : report.renderUnexpected(data, palette);
  writeLines(io.stderr, lines);
  return report.exitCodeOf(error);
}

function packageVersion(): string {
  const text = readFileSync(new URL("../../package.json", import.meta.url), "utf8");
  return (JSON.parse(text) as { readonly version: string }).version;
}
