import { stripVTControlCharacters } from "node:util";

export interface TableOptions {
  /** Width of the terminal; the last column is wrapped to it. */
  readonly columns: number;
  readonly indent?: string;
}

const gap = "  ";
const narrowestLastColumn = 24;

/** Rows of aligned cells, which may be coloured; the last column takes the rest of the width, and wraps. */
export function renderTable(
  rows: readonly (readonly string[])[],
  { columns, indent = "" }: TableOptions,
): string[] {
  const count = Math.max(0, ...rows.map((row) => row.length));
  const widths = Array.from({ length: count - 1 }, (_, index) =>
    Math.max(...rows.map((row) => widthOf(row[index] ?? ""))),
  );
  const before = indent.length + widths.reduce((sum, width) => sum + width + gap.length, 0);
  // Too narrow for columns: the last one gets lines of its own.
  const isNarrow = columns - before < narrowestLastColumn;
  const left = isNarrow ? indent.length + 4 : before;
  return rows.flatMap((row) => {
    const cells = widths.map((width, index) => pad(row[index] ?? "", width)).join(gap);
    const wrapped = wrap(row[count - 1] ?? "", Math.max(narrowestLastColumn, columns - left));
    const [first = "", ...rest] = isNarrow ? ["", ...wrapped] : wrapped;
    return [
      `${indent}${count > 1 ? cells + gap : ""}${first}`.trimEnd(),
      ...rest.map((line) => `${" ".repeat(left)}${line}`.trimEnd()),
    ];
  });
}

/** Breaks at blanks; a word that is longer than the width (a store path) is left whole. */
export function wrap(text: string, width: number): string[] {
  const lines: string[] = [];
  let line = "";
  for (const word of text.split(" ")) {
    if (line !== "" && widthOf(line) + 1 + widthOf(word) > width) {
      lines.push(line);
      line = word;
    } else {
      line = line === "" ? word : `${line} ${word}`;
    }
  }
  return [...lines, line];
}

/** Cut to a width, with an ellipsis in place of the rest. */
export function cut(text: string, width: number): string {
  const characters = [...text];
  return characters.length <= width
    ? text
    : `${characters.slice(0, Math.max(0, width - 1)).join("")}…`;
}

function widthOf(text: string): number {
  return [...stripVTControlCharacters(text)].length;
}

function pad(text: string, width: number): string {
  return text + " ".repeat(Math.max(0, width - widthOf(text)));
}
