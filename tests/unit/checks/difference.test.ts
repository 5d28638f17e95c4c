import { expect, test } from "vitest";
import { changedLines, explainDifference } from "../../../src/checks/index.ts";
import type { Difference } from "../../../src/nix/index.ts";
import { createPalette, renderDifference } from "../../../src/report/index.ts";

const none: Difference["groups"] = {
  fileSystems: [],
  bootLoader: [],
  kernel: [],
  network: [],
  units: [],
  etc: [],
  users: [],
  packages: [],
};

const longPath = `/nix/store/${"x".repeat(90)}`;

const difference: Difference = {
  hostName: "web",
  nixpkgs: { path: "/nixpkgs", origin: "option", description: "" },
  groups: {
    ...none,
    units: [
      { name: "clock.service", system: "[Unit]\n", vm: null },
      { name: "extra.mount", system: null, vm: "[Unit]\n" },
      {
        name: "getty@.service",
        system: `[Service]\nExecStart=${longPath} --keep`,
        vm: `[Service]\nExecStart=${longPath} --autologin root --keep`,
      },
    ],
  },
  overrides: [
    {
      option: "services.clock.enable",
      system: "true",
      value: "false",
      reason: "the guest takes its time from the host",
      explains: ["units:clock.*"],
    },
    { option: "boot.secrets", system: "{}", value: "{}", reason: "no secrets", explains: [] },
  ],
};

test("a difference has the reason of the override that makes it, else its group's", () => {
  const units = explainDifference(difference).find(({ group }) => group === "units");
  expect(units?.differences).toMatchObject([
    { name: "clock.service", kind: "removed", reason: "the guest takes its time from the host" },
    { name: "extra.mount", kind: "added", reason: expect.stringContaining("it follows from") },
    { name: "getty@.service", kind: "changed" },
  ]);
});

test("what no vm can test is said even where no setting differs, and nothing is said of the rest", () => {
  const groups = explainDifference({ ...difference, groups: none, overrides: [] });
  expect(groups.map(({ group }) => group)).toEqual(["bootLoader", "kernel", "network"]);
});

test("of a changed text only the lines that differ count", () => {
  const row = { name: "a", system: "same\nold\n\n", vm: "same\nnew\n" };
  expect(changedLines(row)).toEqual({ removed: ["old"], added: ["new"] });
});

test("people see reason, change and what is untested; an override that changes nothing is left out", () => {
  const palette = createPalette({}, { NO_COLOR: "1" });
  const options = { machine: "web", palette, columns: 100, verbose: false };
  const groups = explainDifference(difference);
  const text = renderDifference(groups, difference.overrides, options).join("\n");
  expect(text).toContain("  because the guest takes its time from the host:\n    - clock.service");
  expect(text).toContain("    + extra.mount");
  expect(text).toMatch(/ {6}- ExecStart=…x+ --keep\n {6}\+ ExecStart=…x+ --autologin root --keep/);
  expect(text).toContain("  untested: the boot loader");
  expect(text).toMatch(/services\.clock\.enable +true → false +the guest takes its time/);
  expect(text).not.toContain("boot.secrets");
  const verbose = renderDifference(groups, [], { ...options, verbose: true }).join("\n");
  expect(verbose).toContain(`- ExecStart=${longPath} --keep`);
});
