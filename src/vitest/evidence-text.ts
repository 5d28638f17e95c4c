import type { Evidence } from "../machine/index.ts";
import { cut } from "../report/index.ts";

/** A guest that lives has said what matters elsewhere; one that was lost has said it last on its console. */
const linesOfLiving = 8;
const linesOfUnit = 25;
const longestLine = 200;

/** What dryboot itself types and is answered once a guest has booted. */
const ownTyping = /dry''boot-|unset HISTFILE;|^(?:dryboot|go|lane)-[0-9a-f]{8}/;

/** What a guest looked like when a test failed, in lines for a reader who sees nothing else. */
export function describeEvidence(evidence: Evidence): string[] {
  const { machine, consoleTail, alarms, failedUnits, failure, runDirectory, screenshot } = evidence;
  const files = ["console.log", ...(screenshot === undefined ? [] : ["screen.png"])];
  const said = consoleTail.filter((line) => !ownTyping.test(line));
  const isHurt = failure !== undefined || alarms.length > 0;
  return [
    `── ${machine} when the test failed ──`,
    ...(failure === undefined ? [] : [failure]),
    ...block("alarms on its console:", alarms),
    ...failedUnits.flatMap(({ name, status, journal }) => [
      ...block(`failed unit ${name}:`, status.trimEnd().split("\n").slice(0, linesOfUnit)),
      ...block(`journal of ${name}:`, journal.trimEnd().split("\n").slice(-linesOfUnit)),
    ]),
    ...block("the end of its console:", isHurt ? said : said.slice(-linesOfLiving)),
    `kept: ${runDirectory} (${files.join(", ")})`,
  ];
}

function block(heading: string, lines: readonly string[]): string[] {
  const said = lines.filter((line) => line.trim() !== "");
  return said.length === 0
    ? []
    : [heading, ...said.map((line) => `  ${cut(line.trimEnd(), longestLine)}`)];
}
