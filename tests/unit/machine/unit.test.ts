import { fileURLToPath } from "node:url";
import { expect, test } from "vitest";
import { observeUntil, Unit, waitFor } from "../../../src/machine/index.ts";
import { hostRunner } from "./host-runner.ts";

// A small program in systemctl's place: what it says is recorded, that dryboot understands a real one is for tests/machines.
const guest = hostRunner({
  path: fileURLToPath(new URL("../../fixtures/programs", import.meta.url)),
});

test("an active unit is active at once", async () => {
  const unit = new Unit(guest, "nginx");
  expect(unit.name).toBe("nginx.service");
  expect(await unit.state()).toMatchObject({
    name: "nginx.service",
    activeState: "active",
    subState: "running",
  });
  expect(await observeUntil(unit.active())).toMatchObject({ pass: true });
  expect(await observeUntil(unit.enabled())).toMatchObject({ pass: true });
});

test("a failed unit ends the wait at once, with its status and its journal", async () => {
  const error = await waitFor(new Unit(guest, "greeter").active(), {}).catch((thrown) => thrown);
  expect(error.message).toMatch(
    /^unit greeter\.service of host was expected to be active, but has failed \(exit-code, status 7\) \(known after /,
  );
  expect(error.code).toBe("UNIT_FAILED");
  expect(error.details.join("\n")).toMatch(
    /status:\n.*greeter\.service - Greets[^]*journal:\n.*no greeting in \/etc\/greeting/,
  );
  expect(await observeUntil(new Unit(guest, "greeter").failed())).toMatchObject({ pass: true });
});

test("a unit that does not exist names those that were perhaps meant", async () => {
  const verdict = await observeUntil(new Unit(guest, "ngnix").active());
  expect(verdict.message).toContain("but does not exist; did you mean nginx.service?");
});

test("nothing can be denied of a unit that does not exist, but that it exists", async () => {
  const unit = new Unit(guest, "ngnix");
  for (const expectation of [unit.failed(), unit.active(), unit.enabled(), unit.masked()]) {
    const verdict = await observeUntil(expectation, { holds: false });
    expect(verdict).toMatchObject({ pass: false, timedOut: false });
    expect(verdict.message).toMatch(/expected not to .*, but does not exist; did you mean nginx/);
  }
  expect(await observeUntil(unit.existing(), { holds: false })).toMatchObject({ pass: true });
  // It has written to the journal of this boot, so it was there.
  const gone = new Unit(guest, "gone").active();
  expect(await observeUntil(gone, { holds: false })).toMatchObject({ pass: true });
});

test("an inactive unit is hopeless once systemd has no job left", async () => {
  const verdict = await observeUntil(new Unit(guest, "idle").active());
  expect(verdict).toMatchObject({
    pass: false,
    timedOut: false,
    saw: "is inactive, and systemd has no job left that could start it",
  });
});

test("a starting unit is waited for until the time is over", async () => {
  const verdict = await observeUntil(new Unit(guest, "slow").active(), { timeoutMs: 200 });
  expect(verdict).toMatchObject({ pass: false, timedOut: true, saw: "is activating (start)" });
});

test("a wait for the opposite ends as soon as it holds", async () => {
  expect(await observeUntil(new Unit(guest, "greeter").active(), { holds: false })).toMatchObject({
    pass: true,
  });
  const verdict = await observeUntil(new Unit(guest, "nginx").active(), {
    holds: false,
    timeoutMs: 100,
  });
  expect(verdict.message).toMatch(/was expected not to be active, but is active \(waited /);
});
