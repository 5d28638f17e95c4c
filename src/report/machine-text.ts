import type { CheckResult, CheckStatus } from "../checks/index.ts";
import { formatMs } from "../deadline.ts";
import { cleanLine, renderError, renderUnexpected } from "./error-text.ts";
import type { Palette } from "./palette.ts";
import type { MachineResult } from "./result.ts";
import { cut, renderTable } from "./table.ts";

export interface TextOptions {
  readonly palette: Palette;
  readonly columns: number;
  /** Shows every check, also those of units that NixOS brings by itself. */
  readonly verbose: boolean;
}

/** The table of checks and the verdict, for people. */
export function renderMachine(result: MachineResult, options: TextOptions): string[] {
  if (result.checks.length === 0) return [];
  return [...renderChecks(result, options), "", renderVerdict(result, options.palette)];
}

export interface FailureOptions {
  readonly palette: Palette;
  readonly repeatCommand: string;
}

/** What was wrong and how to see it again: for the other stream, so that results stay alone. */
export function renderFailure(
  result: MachineResult,
  { palette, repeatCommand }: FailureOptions,
): string[] {
  const { error, runDirectory, alarms = [], outcome } = result;
  const lines =
    error === undefined
      ? []
      : error.code === "UNEXPECTED"
        ? renderUnexpected(error, palette)
        : renderError(error, palette);
  const listed = (heading: string, texts: readonly string[]): string[] =>
    texts.length === 0
      ? []
      : [heading, ...texts.map((text) => palette.dim(`  ${cleanLine(text)}`))];
  return [
    ...lines,
    ...listed("alarms on the console:", alarms),
    ...(runDirectory === undefined
      ? []
      : [`kept: ${runDirectory} (console.log has the whole boot)`]),
    ...(outcome === "failed" && error === undefined ? [`again: ${repeatCommand}`] : []),
  ];
}

/** One line a machine, when there were several. */
export function renderSummary(results: readonly MachineResult[], palette: Palette): string[] {
  return results.map((result) => renderVerdict(result, palette));
}

const marks: Readonly<Record<CheckStatus, string>> = {
  passed: "✓",
  failed: "✗",
  warning: "!",
  skipped: "-",
  waived: "~",
};

function renderChecks(result: MachineResult, { palette, columns, verbose }: TextOptions): string[] {
  if (result.checks.length === 0) return [];
  const shown = result.checks.filter((check) => verbose || !isUnremarkable(check));
  const left = result.checks.length - shown.length;
  const paint = painter(palette);
  const rows = shown.map((check) => [
    paint[check.status](marks[check.status]),
    cleanLine(check.subject),
    cleanLine(check.detail),
    palette.dim(cut(cleanLine(check.source), widestSource)),
  ]);
  return [
    palette.bold(result.machine),
    ...renderTable(fitSource(rows, columns), { columns, indent: "  " }).flatMap((line) => line),
    ...(left > 0
      ? [
          palette.dim(
            `    and ${left} more that hold or are skipped, of what NixOS itself brings (--verbose shows them)`,
          ),
        ]
      : []),
    ...shown.flatMap((check) => renderEvidence(check, palette)),
  ];
}

/** `--json` and `dryboot checks` have the rest. */
const widestSource = 40;

function isUnremarkable(check: CheckResult): boolean {
  return check.builtIn === true && (check.status === "passed" || check.status === "skipped");
}

/** On narrow terminals the column with the option goes first: `--json` has it. */
function fitSource(rows: readonly string[][], columns: number): string[][] {
  return rows.map(([mark = "", subject = "", detail = "", source = ""]) =>
    columns < 100 ? [mark, subject, detail] : [mark, subject, source, detail],
  );
}

function renderEvidence(check: CheckResult, palette: Palette): string[] {
  if (check.evidence === undefined || check.evidence.length === 0) return [];
  return [
    "",
    `  ${palette.bold(cleanLine(check.subject))}`,
    ...check.evidence.map((line) => palette.dim(`    ${cleanLine(line)}`)),
  ];
}

function renderVerdict(result: MachineResult, palette: Palette): string {
  const count = (status: CheckStatus): number =>
    result.checks.filter((check) => check.status === status).length;
  const figures = [
    count("passed") === 1 ? "1 check holds" : `${count("passed")} checks hold`,
    ...(count("failed") > 0 ? [palette.red(`${count("failed")} failed`)] : []),
    ...(count("warning") > 0 ? [palette.yellow(`${count("warning")} with a warning`)] : []),
    ...(count("waived") > 0 ? [palette.yellow(`${count("waived")} waived`)] : []),
    ...(count("skipped") > 0 ? [`${count("skipped")} skipped`] : []),
    ...(result.start === "warm" ? ["on the boot of before (--cold boots again)"] : []),
  ].join(", ");
  const verdict = {
    passed: palette.green(palette.bold("passed")),
    failed: palette.red(palette.bold("failed")),
    untested: palette.red(palette.bold("not tested")),
    interrupted: palette.yellow(palette.bold("interrupted")),
  }[result.outcome];
  const phases = result.phases.map(({ name, durationMs }) => `${name} ${formatMs(durationMs)}`);
  const why = result.error === undefined ? figures : cleanLine(result.error.message);
  const times = phases.length > 0 ? palette.dim(` (${phases.join(", ")})`) : "";
  return `${result.machine}: ${verdict}: ${why}${times}`;
}

function painter(palette: Palette): Readonly<Record<CheckStatus, (text: string) => string>> {
  return {
    passed: palette.green,
    failed: palette.red,
    warning: palette.yellow,
    skipped: palette.dim,
    waived: palette.yellow,
  };
}
