import { expect, test } from "vitest";
import { planChecks, type CheckResult, type Waiver } from "../../../src/checks/index.ts";
import { applyWaivers, waiversOf } from "../../../src/checks/waivers.ts";
import { manifestOf, manifestUnit } from "./guest-tools.ts";

const failing: CheckResult = {
  name: "unit-active",
  subject: "nginx.service",
  source: "services.nginx",
  status: "failed",
  detail: "has failed",
};

const waiver = (more: Partial<Waiver> = {}): Waiver => ({
  check: "unit-active",
  subject: "nginx.service",
  reason: "its key comes next week",
  until: "2026-11-30",
  ...more,
});

const plan = planChecks({ manifest: manifestOf([manifestUnit({ name: "nginx.service" })]) });

test("a waiver counts up to and on its last day", () => {
  expect(applyWaivers([failing], [waiver()], "2026-11-30")).toMatchObject([
    {
      status: "waived",
      detail: "has failed; waived until 2026-11-30: its key comes next week",
    },
  ]);
});

test("a waiver that has expired is a failure beside the one that it waived", () => {
  expect(applyWaivers([failing], [waiver()], "2026-12-01")).toMatchObject([
    { status: "failed", subject: "nginx.service" },
    {
      name: "waiver",
      status: "failed",
      subject: "unit-active nginx.service",
      detail: "was waived until 2026-11-30, which is over: its key comes next week",
    },
  ]);
});

test("an expired waiver fails a run in which nothing else does", () => {
  const results = applyWaivers([{ ...failing, status: "passed" }], [waiver()], "2026-12-01");
  expect(results.map(({ status }) => status)).toEqual(["passed", "failed"]);
});

test("a waiver of another subject or another check changes nothing", () => {
  const others = [waiver({ subject: "sshd.service" }), waiver({ check: "timer-scheduled" })];
  expect(applyWaivers([failing], others, "2026-01-01")).toEqual([failing]);
});

test("a waiver without a subject is for all of a check", () => {
  const { subject: _, ...all } = waiver();
  expect(applyWaivers([failing], [all], "2026-01-01")[0]?.status).toBe("waived");
});

test("what holds is not called waived", () => {
  expect(applyWaivers([{ ...failing, status: "passed" }], [waiver()], "2026-01-01")).toMatchObject([
    { status: "passed", detail: expect.stringContaining("not needed any more") },
  ]);
});

test("a machine's waiver of something that is not checked is an error with the nearest name", () => {
  const waivers = { own: [waiver({ subject: "ngnix.service" })], everywhere: [] };
  expect(() => waiversOf("web", waivers, plan)).toThrow(
    "a waiver is for unit-active of «ngnix.service», which web has not; did you mean «nginx.service»?",
  );
  const none = { own: [waiver({ check: "certificate" })], everywhere: [] };
  expect(() => waiversOf("web", none, plan)).toThrow(
    "a waiver is for certificate, of which web has no check",
  );
});

test("a waiver for all machines concerns those that have its subject", () => {
  const waivers = { own: [], everywhere: [waiver(), waiver({ subject: "mail.service" })] };
  expect(waiversOf("web", waivers, plan)).toEqual([waiver()]);
});

test("what only a guest can bring up can be waived ahead", () => {
  const ahead = waiver({ check: "port-undeclared", subject: "tcp port 9999" });
  expect(waiversOf("web", { own: [ahead], everywhere: [] }, plan)).toEqual([ahead]);
  const wrong = waiver({ check: "port-undeclared", subject: "port 9999" });
  expect(() => waiversOf("web", { own: [wrong], everywhere: [] }, plan)).toThrow(/port 9999/);
});
