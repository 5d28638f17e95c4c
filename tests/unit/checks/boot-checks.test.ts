import { expect, test } from "vitest";
import { planChecks, type Budgets } from "../../../src/checks/index.ts";
import { manifestOf } from "./guest-tools.ts";
import { lookOf } from "./look.ts";

const mebibyte = 1024 ** 2;

const ended =
  "InitRDTimestampMonotonic=0\nUserspaceTimestampMonotonic=5000000\nFinishTimestampMonotonic=19000000\n";

/** What a boot of 19 s and a closure of 100 MiB come to. */
function statusOf(
  name: "boot-time" | "closure-size",
  budgets: Budgets,
  {
    boot = ended,
    timeoutScale = 1,
    isMeasured = true,
  }: { readonly boot?: string; readonly timeoutScale?: number; readonly isMeasured?: boolean } = {},
): string | undefined {
  const plan = planChecks({ manifest: manifestOf([]), budgets });
  const look = lookOf(
    { boot },
    { timeoutScale, ...(isMeasured ? { closureBytes: 100 * mebibyte } : {}) },
  );
  const found = plan.find((check) => check.name === name)?.judge(look);
  return found !== undefined && "status" in found ? found.status : undefined;
}

test("a boot may take its budget and not more, and four times that without KVM", () => {
  expect(statusOf("boot-time", { bootMs: 19_000 })).toBe("passed");
  expect(statusOf("boot-time", { bootMs: 18_999 })).toBe("failed");
  expect(statusOf("boot-time", { bootMs: 5000 }, { timeoutScale: 4 })).toBe("passed");
  expect(statusOf("boot-time", { bootMs: 4000 }, { timeoutScale: 4 })).toBe("failed");
  expect(statusOf("boot-time", {})).toBe("passed");
});

test("a boot that has not ended fails where it has a budget", () => {
  expect(statusOf("boot-time", { bootMs: 60_000 }, { boot: "" })).toBe("failed");
  expect(statusOf("boot-time", {}, { boot: "" })).toBe("skipped");
});

test("a closure may have its budget and not more, and is not asked for without one", () => {
  expect(statusOf("closure-size", { closureBytes: 100 * mebibyte })).toBe("passed");
  expect(statusOf("closure-size", { closureBytes: 100 * mebibyte - 1 })).toBe("failed");
  expect(statusOf("closure-size", { closureBytes: 1 }, { isMeasured: false })).toBe("skipped");
  expect(statusOf("closure-size", {})).toBeUndefined();
});
