import { cleanText } from "../console/index.ts";
import type { CheckResult } from "../checks/index.ts";
import type { MachineResult } from "./result.ts";

/**
 * Results as JUnit's XML, in the form that CI systems read: a suite a machine, a case a check. What could not be tested
 * is an error, what does not hold a failure; waived and skipped checks are skipped.
 */
export function renderJunit(results: readonly MachineResult[]): string {
  return [
    '<?xml version="1.0" encoding="UTF-8"?>',
    '<testsuites name="dryboot">',
    ...results.flatMap(renderSuite),
    "</testsuites>",
    "",
  ].join("\n");
}

function renderSuite(result: MachineResult): string[] {
  const { machine, checks, error, phases } = result;
  const of = (...statuses: CheckResult["status"][]): number =>
    checks.filter(({ status }) => statuses.includes(status)).length;
  const seconds = phases.reduce((sum, { durationMs }) => sum + durationMs, 0) / 1000;
  const figures = {
    name: machine,
    tests: checks.length + (error === undefined ? 0 : 1),
    failures: of("failed"),
    errors: error === undefined ? 0 : 1,
    skipped: of("skipped", "waived"),
    time: seconds.toFixed(3),
  };
  return [
    `  <testsuite${attributes(figures)}>`,
    ...checks.flatMap((check) => renderCase(machine, check)),
    ...(error === undefined
      ? []
      : [
          `    <testcase${attributes({ classname: machine, name: "machine can be tested" })}>`,
          `      <error${attributes({ type: error.code, message: error.message })}>${escape(error.details.join("\n"))}</error>`,
          "    </testcase>",
        ]),
    ...(result.consoleTail === undefined
      ? []
      : [`    <system-out>${escape(result.consoleTail.join("\n"))}</system-out>`]),
    "  </testsuite>",
  ];
}

function renderCase(machine: string, check: CheckResult): string[] {
  const { name, subject, source, status, detail, evidence = [] } = check;
  const head = attributes({ classname: `${machine}.${name}`, name: `${subject} (${source})` });
  const body = {
    passed: undefined,
    warning: `<system-out>${escape(`warning: ${subject} ${detail}`)}</system-out>`,
    skipped: `<skipped${attributes({ message: detail })}/>`,
    waived: `<skipped${attributes({ message: detail })}/>`,
    failed: `<failure${attributes({ type: name, message: `${subject} ${detail}` })}>${escape(evidence.join("\n"))}</failure>`,
  }[status];
  return body === undefined
    ? [`    <testcase${head}/>`]
    : [`    <testcase${head}>`, `      ${body}`, "    </testcase>"];
}

function attributes(values: Readonly<Record<string, string | number>>): string {
  return Object.entries(values)
    .map(([name, value]) => ` ${name}="${escape(String(value)).replaceAll("\n", "&#10;")}"`)
    .join("");
}

/** A guest's text may hold characters that XML has no way to write. */
function escape(text: string): string {
  return [...cleanText(text)]
    .filter((character) => /[\t\n\x20-\uD7FF\uE000-\uFFFD\u{10000}-\u{10FFFF}]/u.test(character))
    .join("")
    .replaceAll("&", "&amp;")
    .replaceAll("<", "&lt;")
    .replaceAll(">", "&gt;")
    .replaceAll('"', "&quot;");
}
