// Every check that smoke derives from a configuration, in a guest where it holds and in the same guest broken on purpose.
import { fileURLToPath } from "node:url";
import { expect, test } from "dryboot/test";
import { checkNames, runChecks, type CheckName, type CheckResult } from "../../src/checks/index.ts";
import { Deadline } from "../../src/deadline.ts";
import type { Machine } from "../../src/machine/index.ts";
import { evaluateMachine, findMachine, type Manifest } from "../../src/nix/index.ts";

const promises = fileURLToPath(new URL("../fixtures/machines/promises.nix", import.meta.url));

async function readManifest(): Promise<Manifest> {
  const options = { cwd: process.cwd() };
  return (await evaluateMachine(await findMachine(promises, options), options)).manifest;
}

interface Expected {
  readonly bootMs: number;
  readonly closureBytes: number;
  readonly vmSystem: string | undefined;
}

async function check(
  guest: Machine,
  patienceMs: number,
  expected: Expected,
): Promise<CheckResult[]> {
  const { bootMs, closureBytes, vmSystem } = expected;
  return runChecks(guest, {
    manifest: await readManifest(),
    vmSystem,
    deadline: Deadline.after(patienceMs),
    budgets: { bootMs, closureBytes },
    closureBytes: 1024 ** 3,
  });
}

const ofName = (results: readonly CheckResult[], name: CheckName): CheckResult[] =>
  results.filter((result) => result.name === name);

test("every check holds in a guest that is what its configuration says", async ({ machines }) => {
  const guest = await machines.shared(promises);
  const results = await check(guest, 600_000, {
    bootMs: 3_600_000,
    closureBytes: 1024 ** 3,
    vmSystem: guest.vmSystem,
  });
  expect(results.filter(({ status }) => status === "failed")).toEqual([]);
  const held = new Set(results.filter(({ status }) => status === "passed").map(({ name }) => name));
  expect(Object.keys(checkNames).filter((name) => !held.has(name as CheckName))).toEqual([]);
  // The vm has no disk of that name, and says so.
  expect(results.find(({ subject }) => subject === "/archive")).toMatchObject({
    status: "skipped",
    detail: expect.stringContaining("left out of the vm (ext4 on /dev/disk/by-label/archive)"),
  });
  expect(results.find(({ subject }) => subject === "module kvm-intel")).toMatchObject({
    status: "skipped",
    detail: "has no hardware here: not tested",
  });
  expect(results.find(({ subject }) => subject === "plugged.service")).toMatchObject({
    status: "skipped",
    detail: "has no interface enp1s0 here: not tested",
  });
  // The address of that card, and the one by which the host comes in.
  await expect(guest.interface("eth0")).toHaveAddress("192.0.2.10/24");
  await expect(guest.http("http://plain.example", { from: "host" })).toRespond({ status: 200 });
});

/** What is done to the guest, and the check that has to notice it. */
const sabotage: readonly {
  readonly fact: string;
  readonly command: string;
  readonly name: CheckName;
  readonly subject: string;
  readonly detail: RegExp;
}[] = [
  {
    fact: "a service crashed",
    command: "systemctl kill --signal=SEGV greeter.service",
    name: "unit-active",
    subject: "greeter.service",
    detail: /^has failed \(/,
  },
  {
    fact: "an instance crashed that a target asks for",
    command: "systemctl kill --signal=SEGV helper@one.service",
    name: "unit-active",
    subject: "helper@one.service",
    detail: /^has failed \(/,
  },
  {
    fact: "a mount of systemd's own was taken away",
    command: "systemctl stop 'srv-my\\x2ddata.mount'",
    name: "unit-active",
    subject: "srv-my\\x2ddata.mount",
    detail: /^is inactive: nothing has started it/,
  },
  {
    fact: "a unit failed that nobody declared",
    command: "systemd-run --quiet --unit=stray false",
    name: "unit-failed",
    subject: "stray.service",
    detail: /^has failed/,
  },
  {
    fact: "a unit does not get ready",
    command:
      "systemd-run --quiet --no-block --unit=late --property=Type=notify --property=TimeoutStartSec=infinity sleep infinity",
    name: "unit-stuck",
    subject: "late.service",
    detail: /^is activating/,
  },
  {
    fact: "the default target was left",
    command: "systemctl stop multi-user.target",
    name: "default-target",
    subject: "multi-user.target",
    detail: /^is inactive/,
  },
  {
    fact: "a timer was stopped",
    command: "systemctl stop tick.timer",
    name: "timer-scheduled",
    subject: "tick.timer",
    detail: /^is inactive: nothing has started it/,
  },
  {
    fact: "a socket was closed",
    command: "systemctl stop echo.socket",
    name: "socket-listening",
    subject: "echo.socket",
    detail: /^is inactive: nothing has started it/,
  },
  {
    fact: "nobody listens on a port that the firewall lets in",
    command: "systemctl stop nginx.service",
    name: "port-open",
    subject: "tcp port 443",
    detail: /nobody listens on it/,
  },
  {
    fact: "the web server is gone",
    command: "true",
    name: "virtual-host",
    subject: "https://secure.example",
    detail: /^does not answer \(.*connect/i,
  },
  {
    fact: "a stranger listens",
    command:
      "systemd-run --quiet --unit=rogue --socket-property=ListenStream=0.0.0.0:9999 sleep infinity",
    name: "port-undeclared",
    subject: "tcp port 9999",
    detail: /nothing declares it/,
  },
  {
    fact: "a certificate was lost",
    command: "rm /var/lib/tls/secure.pem",
    name: "certificate",
    subject: "/var/lib/tls/secure.pem",
    detail: /^is not there/,
  },
  {
    fact: "a file system lost an option",
    command: "mount -o remount,exec /scratch",
    name: "file-system",
    subject: "/scratch",
    detail: /^is without noexec/,
  },
  {
    fact: "a user has another shell",
    command: "sed -i '/^alice:/s,:[^:]*$,:/bin/sh,' /etc/passwd",
    name: "user-account",
    subject: "user alice",
    detail: /^has shell \/bin\/sh, and not /,
  },
  {
    fact: "a group lost its member",
    command: "sed -i '/^makers:/s,:[^:]*$,:,' /etc/group",
    name: "group-account",
    subject: "group makers",
    detail: /^lacks alice/,
  },
  {
    fact: "a key is not accepted any more",
    command: "rm /etc/ssh/authorized_keys.d/alice",
    name: "authorized-keys",
    subject: "keys of alice",
    detail: /^lack alice@example\.org/,
  },
  {
    fact: "a file of /etc was written over",
    command: "rm /etc/promises/greeting; echo hi > /etc/promises/greeting",
    name: "etc-file",
    subject: "/etc/promises/greeting",
    detail: /^is something else than \/nix\/store\//,
  },
  {
    fact: "a copy in /etc was changed",
    command: "echo more >> /etc/promises/copied",
    name: "etc-file",
    subject: "/etc/promises/copied",
    detail: /^is something else than \/nix\/store\//,
  },
  {
    fact: "a sysctl was set to something else",
    command: "echo 60 > /proc/sys/vm/swappiness",
    name: "sysctl",
    subject: "vm.swappiness",
    detail: /^is 60, and not 7/,
  },
  {
    fact: "a module was unloaded",
    command: "rmmod dummy",
    name: "kernel-module",
    subject: "module dummy",
    detail: /^is not loaded/,
  },
  {
    fact: "a unit complained",
    command: "touch /run/complain; systemctl start tick.service",
    name: "journal-errors",
    subject: "journal",
    detail: /^has an error of tick\.service/,
  },
  {
    fact: "there is something to mend",
    command: "true",
    name: "second-activation",
    subject: "second activation",
    detail: /lines of \/etc/,
  },
  {
    fact: "it takes too much",
    command: "true",
    name: "closure-size",
    subject: "closure",
    detail: /^is 1024 MiB; its budget is 1 MiB/,
  },
  {
    fact: "it took too long",
    command: "true",
    name: "boot-time",
    subject: "boot",
    detail: /its budget is /,
  },
  {
    fact: "another closure runs",
    command: "true",
    name: "system-closure",
    subject: "/run/current-system",
    detail: /and not \/nix\/store\/other/,
  },
];

let broken: Promise<CheckResult[]> | undefined;

/** All the harm at once, and one look at it. */
async function breakAndCheck(guest: Machine): Promise<CheckResult[]> {
  for (const { command } of sabotage) await guest.succeed(command);
  return check(guest, 10_000, { bootMs: 1, closureBytes: 1, vmSystem: "/nix/store/other" });
}

test("a check of every kind is made to fail", () => {
  const missing = Object.keys(checkNames).filter(
    (name) => !sabotage.some((each) => each.name === name),
  );
  expect(missing).toEqual([]);
});

test.for(sabotage)("$name notices that $fact", async ({ name, subject, detail }, { machines }) => {
  const guest = await machines.shared(promises);
  const results = await (broken ??= breakAndCheck(guest));
  const found = ofName(results, name).find((result) => result.subject === subject);
  // Behind a firewall a stranger's port is a warning.
  expect(found?.status).toBe(name === "port-undeclared" ? "warning" : "failed");
  expect(found?.detail).toMatch(detail);
});

test("a failed unit's check carries its status and journal", async ({ machines }) => {
  const results = await (broken ??= breakAndCheck(await machines.shared(promises)));
  const stray = results.find(({ subject }) => subject === "stray.service");
  expect(stray?.evidence?.join("\n")).toMatch(/stray\.service.*\n(?:.*\n)*.*status=1\/FAILURE/);
});

test("whom a stranger's port belongs to is said", async ({ machines }) => {
  const results = await (broken ??= breakAndCheck(await machines.shared(promises)));
  const [rogue] = ofName(results, "port-undeclared");
  expect(rogue?.detail).toContain("by rogue.socket,");
});
