import { expect, test } from "vitest";
import type { CheckResult } from "../../../src/checks/index.ts";
import { GuestLostError, InterruptedError, NixError } from "../../../src/errors.ts";
import {
  createPalette,
  exitCodeOf,
  outcomeOfError,
  renderFailure,
  renderMachine,
  renderSummary,
  toErrorData,
  type MachineResult,
} from "../../../src/report/index.ts";

const palette = createPalette({ isTTY: true }, { NO_COLOR: "1" });
const options = { palette, columns: 120, verbose: false };

const check = (more: Partial<CheckResult>): CheckResult => ({
  name: "unit-active",
  subject: "nginx.service",
  source: "services.nginx",
  status: "passed",
  detail: "is active (running)",
  ...more,
});

const result = (more: Partial<MachineResult> = {}): MachineResult => ({
  machine: "web",
  start: "cold",
  phases: [{ name: "evaluate", durationMs: 1234 }],
  checks: [check({})],
  outcome: "passed",
  ...more,
});

test("a passed machine is a table and one line of verdict", () => {
  expect(renderMachine(result(), options)).toEqual([
    "web",
    "  ✓  nginx.service  services.nginx  is active (running)",
    "",
    "web: passed: 1 check holds (evaluate 1.2 s)",
  ]);
});

test("a verdict on a guest that went on from a checkpoint says so", () => {
  expect(renderMachine(result({ start: "warm" }), options).at(-1)).toBe(
    "web: passed: 1 check holds, on the boot of before (--cold boots again) (evaluate 1.2 s)",
  );
});

test("units that NixOS brings are shown when they fail, or when asked for", () => {
  const checks = [
    check({ subject: "quiet.service", builtIn: true }),
    check({ subject: "loud.service", builtIn: true, status: "failed", detail: "has failed" }),
  ];
  const text = renderMachine(result({ checks }), options).join("\n");
  expect(text).toContain("loud.service");
  expect(text).not.toContain("quiet.service");
  expect(text).toContain("and 1 more that hold");
  const verbose = renderMachine(result({ checks }), { ...options, verbose: true }).join("\n");
  expect(verbose).toContain("quiet.service");
});

test("what a guest says cannot reach the terminal as a command", () => {
  const evil = "\x1b]0;owned\x07\x1b[2Jgone\x9b31m\r";
  const checks = [check({ status: "failed", detail: evil, subject: evil, evidence: [evil] })];
  const error = { code: "BOOT_FAILED", message: evil, details: [evil], hint: evil } as const;
  const lines = [
    ...renderMachine(result({ checks }), options),
    ...renderFailure(result({ error, alarms: [evil] }), {
      palette,
      repeatCommand: "dryboot smoke web",
    }),
  ];
  // oxlint-disable-next-line no-control-regex
  expect(lines.filter((line) => /[\x00-\x1f\x7f-\x9f]/.test(line))).toEqual([]);
});

test("a failure names what was kept and the command that repeats it", () => {
  const lines = renderFailure(result({ outcome: "failed", runDirectory: "/tmp/dryboot-1-web-x" }), {
    palette,
    repeatCommand: "dryboot smoke web",
  });
  expect(lines).toEqual([
    "kept: /tmp/dryboot-1-web-x (console.log has the whole boot)",
    "again: dryboot smoke web",
  ]);
});

test("an error's first line stands alone, its details and the way on follow", () => {
  const error = new NixError("web: the option `services.ngnix' does not exist", {
    code: "NIX_EVALUATION",
    details: ["at web.nix:3"],
    hint: "Repeat it by hand: nix-build",
  });
  const lines = renderFailure(
    result({ checks: [], outcome: "untested", error: toErrorData(error) }),
    {
      palette,
      repeatCommand: "",
    },
  );
  expect(lines).toEqual([
    "error: web: the option `services.ngnix' does not exist",
    "  at web.nix:3",
    "next: Repeat it by hand: nix-build",
  ]);
});

test("the verdict tells a wrong guest from one that could not be tested", () => {
  expect(outcomeOfError(new GuestLostError("", { code: "BOOT_FAILED" }))).toBe("failed");
  expect(outcomeOfError(new NixError("", { code: "NIX_BUILD" }))).toBe("untested");
  expect(outcomeOfError(new InterruptedError(""))).toBe("interrupted");
  expect(exitCodeOf(new TypeError("a fault of dryboot"))).toBe(70);
  const error = toErrorData(new InterruptedError("web: interrupted"));
  expect(renderSummary([result({ outcome: "interrupted", error, phases: [] })], palette)).toEqual([
    "web: interrupted: web: interrupted",
  ]);
});

test("colours obey NO_COLOR, FORCE_COLOR and the stream", () => {
  expect(createPalette({ isTTY: true }, {}).red("x")).toBe("\x1b[31mx\x1b[39m");
  expect(createPalette({ isTTY: true }, { NO_COLOR: "1", FORCE_COLOR: "1" }).red("x")).toBe("x");
  expect(createPalette({}, {}).red("x")).toBe("x");
  expect(createPalette({}, { FORCE_COLOR: "1" }).red("x")).toBe("\x1b[31mx\x1b[39m");
});

test("what is waived is shown and counted, and does not fail", () => {
  const detail = "has failed; waived until 2027-01-31: no key here";
  const lines = renderMachine(result({ checks: [check({ status: "waived", detail })] }), options);
  expect(lines[1]).toBe(`  ~  nginx.service  services.nginx  ${detail}`);
  expect(lines.at(-1)).toContain("web: passed: 0 checks hold, 1 waived");
});
