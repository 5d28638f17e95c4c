/** One line of a benchmark's table. */
export interface Figure {
  readonly what: string;
  readonly value: number;
  readonly unit: string;
  /** What was asked for, as in «≥ 3». */
  readonly goal?: string;
}

/** Prints the figures as a table, and as one line of JSON for programs. */
export function printFigures(name: string, figures: readonly Figure[]): void {
  const rows = figures.map(({ what, value, unit, goal }) => [
    what,
    `${rounded(value)} ${unit}`,
    goal === undefined ? "" : `goal ${goal}`,
  ]);
  const widths = [0, 1].map((column) => Math.max(...rows.map((row) => row[column]?.length ?? 0)));
  const lines = rows.map((row) =>
    row
      .map((cell, column) => cell.padEnd(widths[column] ?? 0))
      .join("  ")
      .trimEnd(),
  );
  console.log(`\n${name}\n${lines.map((line) => `  ${line}`).join("\n")}`);
  console.log(JSON.stringify({ bench: name, figures }));
}

export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other);
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? Number.NaN;
}

function rounded(value: number): string {
  return value >= 100 ? value.toFixed(0) : value.toFixed(2);
}
