import { cleanText } from "../console/index.ts";
import type { ErrorData } from "./result.ts";
import type { Palette } from "./palette.ts";

const mostDetails = 60;

/** The first line stands alone; below it what was seen, and what to do next. */
export function renderError(error: ErrorData, palette: Palette): string[] {
  const details = error.details.slice(-mostDetails);
  const left = error.details.length - details.length;
  return [
    `${palette.red(palette.bold("error:"))} ${cleanLine(error.message)}`,
    ...(left > 0 ? [palette.dim(`  (${left} earlier lines are left out)`)] : []),
    ...details.map((line) => palette.dim(`  ${cleanLine(line)}`)),
    ...(error.hint === undefined ? [] : [`${palette.cyan("next:")} ${cleanLine(error.hint)}`]),
  ];
}

/** A fault of dryboot's own, with what is needed to report it. */
export function renderUnexpected(error: ErrorData, palette: Palette): string[] {
  return [
    `${palette.red(palette.bold("this is a fault of dryboot:"))} ${cleanLine(error.message)}`,
    ...error.details.map((line) => palette.dim(cleanLine(line))),
    "Please report it, with the lines above and the command.",
  ];
}

/** One line that may be printed on a terminal, whatever a guest or a builder put into it. */
export function cleanLine(text: string): string {
  return cleanText(text).replaceAll("\n", " ");
}
