import { expect, test } from "vitest";
import { manifestUnit, shown, target } from "./guest-tools.ts";
import { judged, lookOf } from "./look.ts";

test.for([
  { fact: "elapses by the calendar", is: { NextElapseUSecRealtime: "Mon 2026-01-05" } },
  { fact: "elapses after the boot", is: { NextElapseUSecMonotonic: "15min" } },
  { fact: "has elapsed for good", is: { LastTriggerUSec: "Sun 2026-01-04" } },
  { fact: "has just elapsed", is: { SubState: "running" } },
  {
    fact: "never elapses",
    is: { SubState: "elapsed" },
    detail: "is elapsed, but will never elapse",
  },
  {
    fact: "says only that it has no time",
    is: {
      NextElapseUSecRealtime: "n/a",
      NextElapseUSecMonotonic: "infinity",
      LastTriggerUSec: "n/a",
      SubState: "waiting",
    },
    detail: "is waiting, but will never elapse",
  },
])("a timer that $fact is judged so", ({ is, detail }) => {
  const units = [manifestUnit({ name: "tick.timer", type: "timer", wantedBy: ["timers.target"] })];
  const properties = Object.entries({ Id: "tick.timer", SubState: "waiting", ...is });
  const look = lookOf({
    units: target + shown("tick.timer", { SubState: "waiting", Type: "" }),
    timers: `${properties.map(([name, value]) => `${name}=${value}`).join("\n")}\n`,
  });
  const outcome = judged("timer-scheduled", { units }, look)["tick.timer"];
  expect(outcome?.status).toBe(detail === undefined ? "passed" : "failed");
  if (detail !== undefined) expect(outcome?.detail).toBe(detail);
});
