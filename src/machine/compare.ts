import { withoutSecrets } from "../hidden-text.ts";
import { nearestNames } from "../nearest.ts";

/** A string must be equal, a pattern must match. */
export function matches(actual: string, expected: string | RegExp): boolean {
  if (typeof expected === "string") return actual === expected;
  // A pattern with `g` or `y` would remember where its last match was.
  return new RegExp(expected.source, expected.flags.replace(/[gy]/g, "")).test(actual);
}

/** What comes after it in a line has to be seen too. */
export const mostShown = 100;

/** How a value stands in a message: quoted, and bounded. */
export function show(given: string | RegExp): string {
  if (typeof given !== "string") return String(given);
  const value = withoutSecrets(given);
  let shown = JSON.stringify(value.slice(0, mostShown));
  // What is no text is mostly written as numbers.
  if (shown.length > 2 * mostShown) shown = JSON.stringify(value.slice(0, mostShown / 5));
  return value.length > mostShown ? `${shown} … (${value.length} characters)` : shown;
}

/** `a, b and 3 more`; `none` without any. */
export function enumerate(values: readonly string[], most = 8): string {
  if (values.length === 0) return "none";
  const left = values.length - most;
  return left > 0 ? `${values.slice(0, most).join(", ")} and ${left} more` : values.join(", ");
}

/**
 * `; did you mean nginx.service or nginx.socket?`, or nothing where no name is near. What all have in common at their
 * beginning does not make them nearer.
 */
export function didYouMean(name: string, candidates: readonly string[], common = 0): string {
  const ends = candidates.map((candidate) => candidate.slice(common));
  const near = nearestNames(name.slice(common), ends).map((end) => name.slice(0, common) + end);
  return near.length === 0 ? "" : `; did you mean ${near.join(" or ")}?`;
}

/** What is wanted and not there. */
export function missingFrom(actual: readonly string[], wanted: readonly string[]): string[] {
  return wanted.filter((value) => !actual.includes(value));
}

/** Where two long texts part. */
export function differenceOf(actual: string, expected: string): string {
  const lines = actual.split("\n");
  const wanted = expected.split("\n");
  const at = lines.findIndex((line, index) => line !== wanted[index]);
  return at < 0
    ? `ends after line ${lines.length}`
    : `differs from line ${at + 1} on: ${show(lines[at] ?? "")}`;
}

/** A difference of more, or of what is no text, would fill the terminal. */
export function isComparable(content: string): boolean {
  return content.length <= 20_000 && !content.includes("\0");
}
