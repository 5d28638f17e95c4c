import { createServer } from "node:net";
import { once } from "node:events";
import { expect, test } from "vitest";
import { allHeld, runChecks, type CheckResult } from "../../../src/checks/index.ts";
import { Deadline } from "../../../src/deadline.ts";
import type { Manifest, OpenPorts } from "../../../src/nix/index.ts";
import {
  guestWithTools,
  manifestOf,
  manifestUnit,
  shown,
  target,
  type GuestState,
} from "./guest-tools.ts";

async function check(state: GuestState, manifest: Manifest, limitMs = 0): Promise<CheckResult[]> {
  await using guest = await guestWithTools(state);
  return await runChecks(guest.runner, {
    manifest,
    vmSystem: "/nix/store/x-nixos-system-web",
    // They are about the whole of a guest; tests/machines/checks.test.ts has one.
    off: ["second-activation", "port-undeclared"],
    deadline: Deadline.after(limitMs),
  });
}

const find = (results: readonly CheckResult[], subject: string): CheckResult | undefined =>
  results.findLast((result) => result.subject === subject);

test("an active service passes, with the option that it comes from", async () => {
  const nginx = manifestUnit({ name: "nginx.service", source: "services.nginx" });
  const results = await check({ units: target + shown("nginx.service") }, manifestOf([nginx]));
  expect(find(results, "nginx.service")).toMatchObject({
    status: "passed",
    source: "services.nginx",
    detail: "is active (running)",
  });
  expect(find(results, "multi-user.target")).toMatchObject({ status: "passed" });
  expect(find(results, "boot")?.detail).toBe("took 19 s: kernel and stage 1 5 s, userspace 14 s");
});

test("a failed unit fails with its journal, whether or not the configuration expects it", async () => {
  const failed = {
    ActiveState: "failed",
    SubState: "failed",
    Result: "exit-code",
    ExecMainStatus: "7",
  };
  const results = await check(
    {
      isSystemRunning: "degraded\n",
      unsettled:
        "greeter.service loaded failed failed Greets\nstray.service loaded failed failed Stray\n",
      units: target + shown("greeter.service", failed) + shown("stray.service", failed),
    },
    manifestOf([manifestUnit({ name: "greeter.service" })]),
  );
  expect(allHeld(results)).toBe(false);
  expect(find(results, "greeter.service")).toMatchObject({
    status: "failed",
    detail: "has failed (exit-code, status 7)",
    evidence: expect.arrayContaining([expect.stringContaining("no greeting")]),
  });
  expect(find(results, "stray.service")).toMatchObject({ name: "unit-failed", status: "failed" });
});

test("a restart loop is not waited for", async () => {
  const results = await check(
    {
      unsettled: "flapping.service loaded activating auto-restart Falls over\n",
      units:
        target +
        shown("flapping.service", {
          ActiveState: "activating",
          SubState: "auto-restart",
          NRestarts: "5",
          Result: "exit-code",
          ExecMainStatus: "1",
        }),
    },
    manifestOf([manifestUnit({ name: "flapping.service" })]),
    60_000,
  );
  expect(find(results, "flapping.service")).toMatchObject({
    status: "failed",
    detail: "restarts for ever (5 times so far; exit-code, status 1)",
  });
});

test("a unit whose condition is not met is skipped, and the condition is named", async () => {
  const results = await check(
    {
      units:
        target +
        shown("secret.service", {
          ActiveState: "inactive",
          SubState: "dead",
          ConditionResult: "no",
        }),
      status:
        "○ secret.service\n  Condition: start condition failed at Sun\n             └─ ConditionPathExists=/etc/secret was not met\n",
    },
    manifestOf([manifestUnit({ name: "secret.service", hasConditions: true })]),
  );
  expect(find(results, "secret.service")).toMatchObject({
    status: "skipped",
    detail: "was not started: ConditionPathExists=/etc/secret is not met",
  });
});

test("checks wait for a unit that is still starting", async () => {
  const unit = manifestUnit({ name: "slow.service", type: "notify" });
  const starting: GuestState = {
    isSystemRunning: "starting\n",
    jobs: "  47 slow.service start running\n  48 multi-user.target start waiting\n",
    unsettled: "slow.service loaded activating start Slow\n",
    units:
      target +
      shown("slow.service", { ActiveState: "activating", SubState: "start", Type: "notify" }),
  };
  await using guest = await guestWithTools(starting);
  const waitedFor: string[] = [];
  const results = await runChecks(guest.runner, {
    manifest: manifestOf([unit]),
    vmSystem: "",
    deadline: Deadline.after(60_000),
    onProgress(what) {
      waitedFor.push(what);
      void guest.become({ units: target + shown("slow.service", { Type: "notify" }) });
    },
  });
  expect(waitedFor[0]).toBe("waiting for slow.service");
  expect(find(results, "slow.service")?.status).toBe("passed");
});

test("an open port without a listener fails, one with a listener passes", async () => {
  const server = createServer().listen(0, "0.0.0.0");
  await once(server, "listening");
  const address = server.address();
  const port = typeof address === "object" ? (address?.port ?? 0) : 0;
  const results = await check(
    { units: target },
    manifestOf([], { openPorts: [open(port, port), open(1, 1), open(2, 9)] }),
  );
  server.close();
  expect(find(results, `tcp port ${port}`)).toMatchObject({
    status: "passed",
    detail: "is listened on (0.0.0.0)",
  });
  expect(find(results, "tcp port 1")).toMatchObject({
    status: "failed",
    source: "networking.firewall.allowedTCPPorts",
    file: "/machine.nix",
  });
  expect(find(results, "tcp port 2")).toBeUndefined();
});

const open = (from: number, to: number): OpenPorts => ({
  source: "networking.firewall.allowedTCPPorts",
  file: "/machine.nix",
  fromConfiguration: true,
  protocol: "tcp",
  from,
  to,
});

test("errors in the journal fail for the configuration's own units alone", async () => {
  const entry = (fields: object): string =>
    JSON.stringify({ __CURSOR: "s=1", PRIORITY: "3", ...fields });
  const journal = [
    entry({ _SYSTEMD_UNIT: "own@1.service", MESSAGE: "cannot greet" }),
    entry({ _SYSTEMD_UNIT: "init.scope", UNIT: "own@1.service", MESSAGE: "Failed to start" }),
    entry({ _TRANSPORT: "kernel", MESSAGE: "a kernel's error" }),
    entry({ _SYSTEMD_UNIT: "builtin.service", MESSAGE: [0xff, 0x41] }),
    entry({ _SYSTEMD_UNIT: "session-1.scope", MESSAGE: null }),
    '{"MESSAGE": "cut off',
  ].join("\n");
  const own = manifestUnit({ name: "own@.service", isTemplate: true });
  const builtin = manifestUnit({ name: "builtin.service", fromConfiguration: false, wantedBy: [] });
  const failing = await check({ units: target, journal }, manifestOf([own, builtin]));
  expect(find(failing, "journal")).toMatchObject({
    status: "failed",
    detail: "has 2 errors of own@1.service",
    evidence: ["own@1.service: cannot greet", "own@1.service: Failed to start"],
  });
  const warning = await check({ units: target, journal }, manifestOf([builtin]));
  expect(find(warning, "journal")).toMatchObject({ status: "warning" });
  expect(allHeld(warning.filter(({ subject }) => subject === "journal"))).toBe(true);
});

test("a guest that runs another closure than the vm's fails", async () => {
  const results = await check({ units: target }, manifestOf([]));
  expect(find(results, "/run/current-system")?.status).toBe("failed");
});

test("a guest whose systemd does not answer fails at once", async () => {
  const results = await check({ isSystemRunning: "" }, manifestOf([]), 60_000);
  expect(find(results, "multi-user.target")).toMatchObject({
    status: "failed",
    detail: "is unknown: systemd does not answer",
  });
});
