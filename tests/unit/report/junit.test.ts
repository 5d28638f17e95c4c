import { expect, test } from "vitest";
import type { CheckResult } from "../../../src/checks/index.ts";
import { renderJunit, type MachineResult } from "../../../src/report/index.ts";

const check = (more: Partial<CheckResult>): CheckResult => ({
  name: "unit-active",
  subject: "nginx.service",
  source: "services.nginx",
  status: "passed",
  detail: "is active",
  ...more,
});

const result = (more: Partial<MachineResult>): MachineResult => ({
  machine: "web",
  start: "cold",
  phases: [{ name: "boot", durationMs: 1500 }],
  checks: [],
  outcome: "passed",
  ...more,
});

test("a machine is a suite, a check a case, and waived ones are skipped", () => {
  const checks = [
    check({}),
    check({ status: "failed", detail: "has failed", evidence: ["no greeting"] }),
    check({ status: "waived", detail: "has failed; waived" }),
    check({ status: "warning", detail: "is odd" }),
  ];
  expect(renderJunit([result({ checks })])).toBe(`<?xml version="1.0" encoding="UTF-8"?>
<testsuites name="dryboot">
  <testsuite name="web" tests="4" failures="1" errors="0" skipped="1" time="1.500">
    <testcase classname="web.unit-active" name="nginx.service (services.nginx)"/>
    <testcase classname="web.unit-active" name="nginx.service (services.nginx)">
      <failure type="unit-active" message="nginx.service has failed">no greeting</failure>
    </testcase>
    <testcase classname="web.unit-active" name="nginx.service (services.nginx)">
      <skipped message="has failed; waived"/>
    </testcase>
    <testcase classname="web.unit-active" name="nginx.service (services.nginx)">
      <system-out>warning: nginx.service is odd</system-out>
    </testcase>
  </testsuite>
</testsuites>
`);
});

test("what a guest says cannot end the text that it stands in", () => {
  const evil = `</failure><x a="&'\u0000\u001b[31m\uFFFF\n`;
  const xml = renderJunit([
    result({ checks: [check({ status: "failed", detail: evil, evidence: [evil] })] }),
  ]);
  expect(xml).toContain(">&lt;/failure&gt;&lt;x a=&quot;&amp;'\n</failure>");
  expect(xml).toContain(`message="nginx.service &lt;/failure&gt;&lt;x a=&quot;&amp;'&#10;"`);
  expect(["\u0000", "\u001b", "\uFFFF"].filter((character) => xml.includes(character))).toEqual([]);
});
