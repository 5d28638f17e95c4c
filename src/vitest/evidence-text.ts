import type { Evidence } from "../machine/index.ts";
import { cut } from "../report/index.ts";

/** A guest that lives has said what matters elsewhere; one that was lost has said it last on its console. */
const linesOfLiving = 8;
const linesOfUnit = 25;
const longestLine = 200;

/** What dryboot itself types and is answered once a guest has booted. */
const ownTyping =
  /dry''boot-|unset HISTFILE;|^\s*(?:dryboot|go|lane)-[0-9a-f]{8}|^\[root@\S+\][#$]\s*$/;

/** What a guest looked like when a test failed, in lines for a reader who sees nothing else. */
export function describeEvidence(
  evidence: Evidence,
  { said = "", sinceMs = 0 }: { readonly said?: string; readonly sinceMs?: number } = {},
): string[] {
  const { machine, consoleTail, alarms, failedUnits, failure, runDirectory, screenshot } = evidence;
  const files = ["console.log", ...(screenshot === undefined ? [] : ["screen.png"])];
  const isHurt = failure !== undefined || alarms.length > 0;
  const console = withoutOwnTyping(consoleTail);
  const tail = isHurt ? console : console.slice(-linesOfLiving);
  // Of an earlier test of the same guest there may be some too.
  const waits = evidence.waits.filter((wait) => wait.sinceMs >= sinceMs).map(({ text }) => text);
  return [
    `── ${machine} when the test failed ──`,
    ...(failure === undefined || said.includes(failure) ? [] : [failure]),
    ...block("it was still being waited for:", waits),
    ...block("alarms on its console:", alarms),
    ...failedUnits
      .filter(({ journal }) => !isIn(said, journal))
      .flatMap(({ name, status, journal }) => [
        ...block(`failed unit ${name}:`, status.trimEnd().split("\n").slice(0, linesOfUnit)),
        ...block(`journal of ${name}:`, journal.trimEnd().split("\n").slice(-linesOfUnit)),
      ]),
    ...(tail.every((line) => said.includes(line)) ? [] : block("the end of its console:", tail)),
    `kept: ${runDirectory} (${files.join(", ")})`,
  ];
}

/** What a unit is like is told by its status too, but that is another each second. */
function isIn(said: string, journal: string): boolean {
  const lines = journal.trim().split("\n");
  return lines[0] !== "" && lines.every((line) => said.includes(line.trim()));
}

/** Lines of a console as a reader knows it. */
export function withoutOwnTyping(lines: readonly string[]): string[] {
  return lines.filter((line) => !ownTyping.test(line));
}

function block(heading: string, lines: readonly string[]): string[] {
  const said = lines.filter((line) => line.trim() !== "");
  return said.length === 0
    ? []
    : [heading, ...said.map((line) => `  ${cut(line.trimEnd(), longestLine)}`)];
}
