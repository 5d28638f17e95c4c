import type { Manifest, ManifestUnit } from "../nix/index.ts";

/**
 * The first test of a machine: that it boots, and that the services which its own files switch on are running. It is
 * meant to be read, kept and changed, so it holds what is true of every sound machine and nothing that is guessed.
 * @param manifest what the configuration promises; without it only the boot is tested
 */
export function firstTest(reference: string, manifest?: Manifest): string {
  const machine = JSON.stringify(reference);
  const target = JSON.stringify(manifest?.defaultUnit ?? "multi-user.target");
  const services = manifest === undefined ? [] : lastingServices(manifest);
  return [
    `import { expect, test } from "dryboot/test";`,
    ``,
    `test("boots without a failed unit", async ({ machines }) => {`,
    `  const machine = await machines.shared(${machine});`,
    ``,
    `  await machine.waitForUnit(${target});`,
    `  expect(await machine.failedUnits()).toEqual([]);`,
    `});`,
    ...(services.length === 0 ? [] : ["", ...servicesTest(machine, services)]),
    ``,
  ].join("\n");
}

function servicesTest(machine: string, services: readonly string[]): string[] {
  return [
    `test("runs its services", async ({ machines }) => {`,
    `  const machine = await machines.shared(${machine});`,
    ``,
    ...services.map(
      (name) => `  await expect(machine.unit(${JSON.stringify(name)})).toBeActive();`,
    ),
    `});`,
  ];
}

/** Services that the machine's own files switch on, that a boot starts and that are meant to stay. */
function lastingServices({ units, defaultUnit }: Manifest): string[] {
  return units.filter((unit) => isLasting(unit, defaultUnit)).map(({ name }) => name);
}

function isLasting(unit: ManifestUnit, defaultUnit: string): boolean {
  const wanters = [...unit.wantedBy, ...unit.requiredBy];
  return (
    unit.fromConfiguration &&
    unit.name.endsWith(".service") &&
    unit.type !== "oneshot" &&
    unit.type !== null &&
    !unit.isTemplate &&
    !unit.hasConditions &&
    !unit.startedBySocket &&
    !unit.startedByTimer &&
    !unit.startedByPath &&
    [defaultUnit, "multi-user.target"].some((target) => wanters.includes(target))
  );
}
