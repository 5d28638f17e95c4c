import { expect, test } from "vitest";
import { judge, unitState } from "../../../src/machine/unit-state.ts";

const judged = (properties: Record<string, string>, uptimeMs = 60_000) =>
  judge(
    unitState(
      new Map(Object.entries({ Id: "a.service", LoadState: "loaded", ...properties })),
      uptimeMs,
    ),
  );

test.for([
  ["a running service is active", { ActiveState: "active", SubState: "running" }, "active"],
  ["a reloading service is active", { ActiveState: "reloading", SubState: "reload" }, "active"],
  ["a starting service is waited for", { ActiveState: "activating", SubState: "start" }, "waiting"],
  [
    "a failed service is hopeless",
    { ActiveState: "failed", SubState: "failed", Result: "exit-code", ExecMainStatus: "7" },
    /has failed \(exit-code, status 7\)/,
  ],
  [
    "a unit without a file is hopeless",
    { LoadState: "not-found", ActiveState: "inactive" },
    /does not exist/,
  ],
  ["a masked unit is hopeless", { LoadState: "masked", ActiveState: "inactive" }, /is masked/],
  ["an unreadable unit file is hopeless", { LoadState: "bad-setting" }, /cannot load/],
  [
    "the first restarts are waited for",
    { ActiveState: "activating", SubState: "auto-restart", NRestarts: "2", Result: "exit-code" },
    "waiting",
  ],
  [
    "a restart loop is hopeless between two starts",
    { ActiveState: "activating", SubState: "auto-restart", NRestarts: "3", Result: "exit-code" },
    /restarts for ever \(3 times so far/,
  ],
  [
    "a restart loop is hopeless in the moment it runs",
    {
      ActiveState: "active",
      SubState: "running",
      NRestarts: "9",
      ActiveEnterTimestampMonotonic: "59900000",
    },
    /restarts for ever/,
  ],
  [
    "one restart, then steady, is active",
    {
      ActiveState: "active",
      SubState: "running",
      NRestarts: "5",
      ActiveEnterTimestampMonotonic: "50000000",
    },
    "active",
  ],
  [
    "a simple service that was started just now has proved nothing",
    { ActiveState: "active", Type: "simple", ActiveEnterTimestampMonotonic: "59900000" },
    "waiting",
  ],
  [
    "a notifying service is active as soon as it says so",
    { ActiveState: "active", Type: "notify", ActiveEnterTimestampMonotonic: "59900000" },
    "active",
  ],
  [
    "a oneshot that ended well is active",
    {
      ActiveState: "inactive",
      Type: "oneshot",
      RemainAfterExit: "no",
      ExecMainExitTimestampMonotonic: "1",
      Result: "success",
    },
    "active",
  ],
  [
    "a oneshot that has yet to run is waited for",
    {
      ActiveState: "inactive",
      Type: "oneshot",
      RemainAfterExit: "no",
      ExecMainExitTimestampMonotonic: "0",
    },
    "waiting",
  ],
  [
    "a unit whose condition was not met is hopeless",
    { ActiveState: "inactive", ConditionResult: "no", ConditionTimestampMonotonic: "5" },
    /condition of it was not met/,
  ],
  [
    "a unit that was not tried yet has no condition to fail",
    { ActiveState: "inactive", ConditionResult: "no", ConditionTimestampMonotonic: "0" },
    "waiting",
  ],
  [
    "a skipped unit with a new job is waited for",
    { ActiveState: "inactive", ConditionResult: "no", ConditionTimestampMonotonic: "5", Job: "31" },
    "waiting",
  ],
] as const)("%s", ([, properties, expected]) => {
  const prospect = judged(properties);
  if (typeof expected === "string") expect(prospect.kind).toBe(expected);
  else expect(prospect).toEqual({ kind: "hopeless", why: expect.stringMatching(expected) });
});
