import type { Transcript } from "./transcript.ts";

export type Pattern = string | RegExp;

export interface ConsoleMatch {
  /** Which of several patterns it was. */
  readonly index: number;
  readonly text: string;
  /** Capture groups of a regular expression. */
  readonly groups: readonly (string | undefined)[];
  /** Offsets in the transcript; `end` is a mark behind the match. */
  readonly start: number;
  readonly end: number;
}

// A regular expression may span lines, but not the whole transcript at each chunk.
const lookBehind = 16_384;

/** The first match since `since`; what lies well before `scanned` was searched already. */
export function findMatch(
  transcript: Transcript,
  patterns: readonly Pattern[],
  since: number,
  scanned: number,
): ConsoleMatch | undefined {
  const { text, start } = transcript.since(Math.max(since, scanned - lookBehind));
  let first: ConsoleMatch | undefined;
  for (const [index, pattern] of patterns.entries()) {
    const found = find(text, pattern);
    if (found === undefined || (first !== undefined && first.start <= start + found.at)) continue;
    const at = start + found.at;
    first = {
      index,
      text: found.text,
      groups: found.groups,
      start: at,
      end: at + found.text.length,
    };
  }
  return first;
}

interface Found {
  readonly at: number;
  readonly text: string;
  readonly groups: readonly (string | undefined)[];
}

function find(text: string, pattern: Pattern): Found | undefined {
  if (typeof pattern === "string") {
    const at = text.indexOf(pattern);
    return at < 0 ? undefined : { at, text: pattern, groups: [] };
  }
  // `g` and `y` carry a position from one search to the next.
  const match = new RegExp(pattern.source, pattern.flags.replace(/[gy]/g, "")).exec(text);
  if (match === null) return undefined;
  return { at: match.index, text: match[0], groups: match.slice(1) };
}
