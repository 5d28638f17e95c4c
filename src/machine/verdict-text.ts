// The one place that words what an expectation came to, for matchers and waits alike.
import { cleanText } from "../console/index.ts";
import { formatMs } from "../deadline.ts";
import type { Expectation, Verdict } from "./observe.ts";

/** What was seen, and how long after the first look it was seen first. */
export interface Sight {
  readonly afterMs: number;
  readonly saw: string;
}

/** `unit nginx.service of web was expected to be active, but has failed (exit-code) (for 12 s; waited 30 s)` */
export function describeVerdict(
  { subject, wanted }: Expectation,
  { saw, forMs, elapsedMs, timedOut }: Omit<Verdict, "message">,
  holds: boolean,
): string {
  const since = forMs === undefined ? "" : `for ${formatMs(forMs)}; `;
  const waited = `${timedOut ? "waited" : "known after"} ${formatMs(elapsedMs)}`;
  return oneLine(
    `${subject} was expected ${holds ? "" : "not "}${wanted}, but ${saw} (${since}${waited})`,
  );
}

/** Part of it was written by the guest. */
function oneLine(text: string): string {
  return cleanText(text).replace(/\s*\n\s*/g, " ");
}

const mostSights = 8;

/** The way to the last sight, where there was one. */
export function describeSights(sights: readonly Sight[]): string[] {
  if (sights.length < 2) return [];
  const shown = sights.slice(-mostSights);
  const times = shown.map(({ afterMs }) => formatMs(afterMs));
  const width = Math.max(...times.map((time) => time.length));
  const left = sights.length - shown.length;
  return [
    left > 0 ? `seen (${left} earlier left out):` : "seen:",
    ...shown.map(({ saw }, index) => `  after ${times[index]?.padEnd(width)}  ${oneLine(saw)}`),
  ];
}
