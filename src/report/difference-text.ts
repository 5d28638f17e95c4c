import { changedLines, type ExplainedDifference, type ExplainedGroup } from "../checks/index.ts";
import type { OverrideRow } from "../nix/index.ts";
import { cleanLine } from "./error-text.ts";
import type { TextOptions } from "./machine-text.ts";
import type { Palette } from "./palette.ts";
import { cut, renderTable } from "./table.ts";

export interface DifferenceText extends TextOptions {
  readonly machine: string;
}

/** In what the vm is not the system that is deployed, for people; `verbose` shows whole values. */
export function renderDifference(
  groups: readonly ExplainedGroup[],
  overrides: readonly OverrideRow[],
  options: DifferenceText,
): string[] {
  const { machine, palette } = options;
  return [
    palette.bold(
      `${machine}: the vm against the system that is deployed (- only there, + only in the vm)`,
    ),
    ...groups.flatMap((group) => renderGroup(group, options)),
    "",
    palette.bold("overrides of vm.nix"),
    ...renderTable(
      overrides
        .filter(isEffective)
        .map((row) => [cleanLine(row.option), cut(showValue(row), 40), palette.dim(row.reason)]),
      { columns: options.columns, indent: "  " },
    ),
  ];
}

/** An override that says what the machine says already makes no difference. */
function isEffective({ system, value }: OverrideRow): boolean {
  return system !== value;
}

function showValue({ system, value }: OverrideRow): string {
  return system === null || system === "null"
    ? cleanLine(value)
    : `${cleanLine(system)} → ${cleanLine(value)}`;
}

function renderGroup(
  { title, differences, untested }: ExplainedGroup,
  options: DifferenceText,
): string[] {
  const { palette } = options;
  const reasons = [...new Set(differences.map(({ reason }) => reason))];
  return [
    "",
    palette.bold(title),
    ...reasons.flatMap((reason) => [
      `  ${palette.dim(`because ${reason}:`)}`,
      ...differences
        .filter((difference) => difference.reason === reason)
        .flatMap((difference) => renderRow(difference, options)),
    ]),
    ...(differences.length === 0 ? ["  no setting differs"] : []),
    `  ${palette.yellow("untested:")} ${untested}`,
  ];
}

const mostLines = 6;

function renderRow(
  difference: ExplainedDifference,
  { palette, columns, verbose }: DifferenceText,
): string[] {
  const { kind, name } = difference;
  const mark = {
    added: palette.green("+"),
    removed: palette.red("-"),
    changed: palette.yellow("~"),
  };
  const width = verbose ? Number.POSITIVE_INFINITY : Math.max(40, columns - 8);
  const head = `    ${mark[kind]} ${cleanLine(name)}`;
  const value = difference.system ?? difference.vm ?? "";
  if (kind !== "changed") {
    const isShort = value !== "" && !value.includes("\n") && !value.startsWith("[");
    return [isShort ? cut(`${head}: ${cleanLine(value)}`, width) : head];
  }
  return [head, ...renderChange(difference, { palette, width, verbose })];
}

function renderChange(
  difference: ExplainedDifference,
  { palette, width, verbose }: { palette: Palette; width: number; verbose: boolean },
): string[] {
  const { removed, added } = changedLines(difference);
  const show = (mark: string, line: string, other: string | undefined): string =>
    palette.dim(cut(`      ${mark} ${cleanLine(verbose ? line : fromChange(line, other))}`, width));
  const lines = [
    ...removed.map((line, index) => show("-", line, added[index])),
    ...added.map((line, index) => show("+", line, removed[index])),
  ];
  if (verbose || lines.length <= mostLines) return lines;
  return [
    ...lines.slice(0, mostLines),
    palette.dim(`      … and ${lines.length - mostLines} more lines (--verbose shows them)`),
  ];
}

const keptBefore = 24;

/** A long line from shortly before the place on where it is not its counterpart any more. */
function fromChange(line: string, other = ""): string {
  let same = 0;
  while (same < line.length && line[same] === other[same]) same += 1;
  const name = /^[\w-]+=/.exec(line)?.[0] ?? "";
  const start = same - keptBefore;
  return start > name.length + keptBefore ? `${name}…${line.slice(start)}` : line;
}
