import { expect, test } from "vitest";
import { parseSections } from "../../../src/checks/sections.ts";
import { unitsToShow } from "../../../src/checks/settle.ts";
import { parseSnapshot } from "../../../src/checks/snapshot.ts";
import { enabledUnits, judgeUnit } from "../../../src/checks/unit-checks.ts";
import type { ManifestUnit } from "../../../src/nix/index.ts";
import { manifestOf, manifestUnit, shown, target } from "./guest-tools.ts";

function judge(
  unit: Partial<ManifestUnit>,
  properties: Readonly<Record<string, string>>,
  { state = "running", uptime = "100.00 50.00" } = {},
) {
  const name = "some.service";
  const sections = { state, uptime, units: target + shown(name, properties) };
  const text = Object.entries(sections)
    .map(([heading, body]) => `\nMARK ${heading}\n${body}\n`)
    .join("");
  return judgeUnit(manifestUnit({ name, ...unit }), parseSnapshot(parseSections(text, "MARK")));
}

const ended = {
  ActiveState: "inactive",
  SubState: "dead",
  ExecMainExitTimestampMonotonic: "9000000",
};
const neverStarted = {
  ActiveState: "inactive",
  SubState: "dead",
  ConditionTimestampMonotonic: "0",
};

test.for([
  {
    fact: "a oneshot that ended with success passes",
    unit: { type: "oneshot" },
    is: { ...ended, Type: "oneshot" },
    status: "passed",
  },
  {
    fact: "a service that ended with success is a warning",
    unit: {},
    is: ended,
    status: "warning",
  },
  { fact: "a unit that nothing has started fails", unit: {}, is: neverStarted, status: "failed" },
  {
    fact: "a unit that its timer starts is skipped",
    unit: { startedByTimer: true },
    is: neverStarted,
    status: "skipped",
  },
  {
    fact: "a unit that its socket starts is skipped",
    unit: { startedBySocket: true },
    is: neverStarted,
    status: "skipped",
  },
  {
    fact: "a unit wanted by a target that is not reached is skipped",
    unit: { wantedBy: ["sleep.target"] },
    is: neverStarted,
    status: "skipped",
  },
  {
    fact: "a unit whose device the vm lacks is skipped",
    unit: { devices: ["multi-user.target", "sys-subsystem-net-devices-br\\x2d0.device"] },
    is: neverStarted,
    status: "skipped",
  },
  {
    fact: "a unit that was not started though its device is there fails",
    unit: { devices: ["multi-user.target"] },
    is: neverStarted,
    status: "failed",
  },
  {
    fact: "a unit that failed for want of its device fails",
    unit: { devices: ["dev-ttyUSB0.device"] },
    is: { ActiveState: "failed", SubState: "failed", Result: "exit-code" },
    status: "failed",
  },
  {
    fact: "a masked unit fails",
    unit: {},
    is: { ...neverStarted, LoadState: "masked" },
    status: "failed",
  },
  {
    fact: "a unit whose file is missing fails",
    unit: {},
    is: { ...neverStarted, LoadState: "not-found" },
    status: "failed",
  },
  {
    fact: "a unit that reloads passes",
    unit: {},
    is: { ActiveState: "reloading", SubState: "reload" },
    status: "passed",
  },
  {
    fact: "a job that is queued is waited for",
    unit: {},
    is: { ...neverStarted, Job: "47" },
    status: "pending",
  },
  {
    fact: "a simple service that has just started is waited for",
    unit: {},
    is: { ActiveEnterTimestampMonotonic: "99900000" },
    status: "pending",
  },
  {
    fact: "a service that says when it is ready is not",
    unit: { type: "notify" },
    is: { Type: "notify", ActiveEnterTimestampMonotonic: "99900000" },
    status: "passed",
  },
])("$fact", ({ unit, is, status }) => {
  expect(judge(unit, is).status).toBe(status);
});

test.for([
  ["sys-subsystem-net-devices-br\\x2d0.device", "interface br-0"],
  ["dev-disk-by\\x2dlabel-x.device", "/dev/disk/by-label/x"],
] as const)("the device that is missing is said as people know it (%s)", ([device, name]) => {
  expect(judge({ devices: [device] }, neverStarted).detail).toBe(`has no ${name} here: not tested`);
});

test("a unit that was not started is waited for while the guest boots", () => {
  expect(judge({}, neverStarted, { state: "starting" }).status).toBe("pending");
});

test("a unit is found by any of its names", () => {
  const text = `\nMARK units\n${shown("dbus-broker.service", { Type: "notify", Names: "dbus.service dbus-broker.service" })}`;
  const snapshot = parseSnapshot(parseSections(text, "MARK"));
  expect(judgeUnit(manifestUnit({ name: "dbus.service", type: "notify" }), snapshot).status).toBe(
    "passed",
  );
});

test("templates and units that nothing wants are not expected to run", () => {
  const names = enabledUnits([
    manifestUnit({ name: "a.service" }),
    manifestUnit({ name: "b@.service", isTemplate: true }),
    manifestUnit({ name: "c.service", wantedBy: [] }),
    manifestUnit({ name: "d.service", wantedBy: [], startedByTimer: true }),
    manifestUnit({
      name: "e.service",
      wantedBy: [],
      startedByTimer: true,
      fromConfiguration: false,
    }),
  ]).map(({ name }) => name);
  expect(names).toEqual(["a.service", "d.service"]);
});

test("a look at units takes in who wants them and the devices that they need", () => {
  const unit = manifestUnit({
    name: "a.service",
    wantedBy: ["some.target"],
    requiredBy: ["b.service"],
    devices: ["dev-a.device"],
  });
  const idle = manifestUnit({ name: "idle.service", wantedBy: [], devices: ["dev-b.device"] });
  expect(unitsToShow(manifestOf([unit, idle]))).toEqual([
    "multi-user.target",
    "a.service",
    "some.target",
    "b.service",
    "dev-a.device",
  ]);
});

test("a heading that a unit forges is not taken for one", () => {
  const text = "\nMARK state\nrunning\n\nFORGED system\n/evil\n\nMARK system\n/nix/store/x\n";
  const snapshot = parseSnapshot(parseSections(text, "MARK"));
  expect(snapshot.currentSystem).toBe("/nix/store/x");
});
