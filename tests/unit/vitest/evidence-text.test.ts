import { expect, test } from "vitest";
import type { Evidence } from "../../../src/machine/index.ts";
import { describeEvidence } from "../../../src/vitest/evidence-text.ts";

const booted = Array.from({ length: 25 }, (_, index) => `line ${index + 1}`);
const evidence: Evidence = {
  machine: "web",
  waits: [],
  consoleTail: booted,
  alarms: [],
  failedUnits: [],
  failure: undefined,
  screenshot: "/tmp/run/screen.png",
  consoleLog: "/tmp/run/console.log",
  runDirectory: "/tmp/run",
  repeatCommand: undefined,
};

test("a guest that lives shows the last of its console, without what dryboot typed there", () => {
  const consoleTail = [
    ...booted,
    "[root@web:~]#  echo dry''boot-06d7047d",
    "dryboot-06d7047d",
    "lane-829c243f-started",
    `${"long ".repeat(100)}end`,
  ];
  const lines = describeEvidence({ ...evidence, consoleTail });
  expect(lines[0]).toBe("── web when the test failed ──");
  expect(lines.slice(1, -1)).toEqual([
    "the end of its console:",
    ...booted.slice(-7).map((line) => `  ${line}`),
    expect.stringMatching(/^ {2}long .{190,}…$/),
  ]);
  expect(lines.at(-1)).toBe("kept: /tmp/run (console.log, screen.png)");
});

test("a guest that was lost shows why first, and all of the console's end", () => {
  const lines = describeEvidence({
    ...evidence,
    failure: "the guest is lost: kernel panic",
    alarms: ["kernel panic: [ 6.4] Kernel panic - not syncing"],
  });
  expect(lines[1]).toBe("the guest is lost: kernel panic");
  expect(lines.slice(2, 4)).toEqual([
    "alarms on its console:",
    "  kernel panic: [ 6.4] Kernel panic - not syncing",
  ]);
  expect(lines).toContain("  line 1");
});

test("a failed unit has its status and the end of its journal", () => {
  const journal = booted.concat("exit 7").join("\n");
  const failedUnits = [{ name: "greeter.service", status: "x greeter.service\n", journal }];
  const lines = describeEvidence({ ...evidence, failedUnits });
  expect(lines.slice(1, 5)).toEqual([
    "failed unit greeter.service:",
    "  x greeter.service",
    "journal of greeter.service:",
    "  line 2",
  ]);
  expect(lines).toContain("  exit 7");
});

test("what the error has said already is not said again, and what was waited for is", () => {
  const waits = [
    { text: "port 80 of web, to be listening: nobody listens on it", sinceMs: 5 },
    { text: "of an earlier test", sinceMs: 1 },
  ];
  const said = ["QEMU ended", ...booted].join("\n");
  const lines = describeEvidence(
    { ...evidence, waits, failure: "QEMU ended" },
    { said, sinceMs: 5 },
  );
  expect(lines).toEqual([
    "── web when the test failed ──",
    "it was still being waited for:",
    "  port 80 of web, to be listening: nobody listens on it",
    "kept: /tmp/run (console.log, screen.png)",
  ]);
});
