import { readFileSync } from "node:fs";
import { Command, CommanderError } from "commander";
import { DrybootError, exitCodes } from "../errors.ts";
import type { Context } from "./context.ts";
import { commandTable } from "./commands.ts";
import { columnsOf, writeLines, type Io } from "./io.ts";
import { isKnownFlag, optionsNamed, type CommonOptions, type Options } from "./options.ts";

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
      getOutHelpWidth: () => columnsOf(io.stdout),
      getErrHelpWidth: () => columnsOf(io.stderr),
      outputError: (text, write) => write(explainOption(text)),
    });
  for (const { usage, description, takes, perform: performCommand } of commandTable) {
    const command = program.command(usage).description(description);
    for (const option of optionsNamed(takes)) command.addOption(option);
    command.configureOutput({ outputError: (text, write) => write(explainOption(text, command)) });
    command.action(() => {
      const options: Options = command.opts();
      const call = { words: command.args, guestCommand, options };
      return perform(options, (context) => performCommand(call, context));
    });
  }
  return program;
}

/** An option that other commands take is not misspelt. */
function explainOption(text: string, command?: Command): string {
  const [, flag = ""] = /^error: unknown option '([^']+)'/.exec(text) ?? [];
  if (!isKnownFlag(flag)) return text;
  if (command === undefined) return `error: ${flag} stands behind the command\n`;
  const name = command.name();
  return `error: ${name} has no use for ${flag}\ndryboot ${name} --help lists what it takes\n`;
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
