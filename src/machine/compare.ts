/** A string must be equal, a pattern must match. */
export function matches(actual: string, expected: string | RegExp): boolean {
  if (typeof expected === "string") return actual === expected;
  // A pattern with `g` or `y` would remember where its last match was.
  return new RegExp(expected.source, expected.flags.replace(/[gy]/g, "")).test(actual);
}

/** How a value stands in a message: quoted, and bounded. */
export function show(value: string | RegExp): string {
  if (typeof value !== "string") return String(value);
  const shown = JSON.stringify(value.slice(0, 200));
  return value.length > 200 ? `${shown} … (${value.length} characters)` : shown;
}
