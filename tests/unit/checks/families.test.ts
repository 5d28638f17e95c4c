// What a guest cannot be made to show in a moment; tests/machines/checks.test.ts has the rest.
import { once } from "node:events";
import { readFileSync } from "node:fs";
import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { expect, test } from "vitest";
import type { Activation } from "../../../src/checks/activation.ts";
import { takeFacts } from "../../../src/checks/facts.ts";
import { parseResponses, responsesQuestion } from "../../../src/checks/virtual-host-checks.ts";
import type { CommandRunner } from "../../../src/machine/index.ts";
import type { ManifestCertificate, ManifestFileSystem } from "../../../src/nix/index.ts";
import { hostRunner } from "../machine/host-runner.ts";
import { declared, manifestOf, manifestUnit } from "./guest-tools.ts";
import { judged, lookOf } from "./look.ts";

const fixture = (name: string): string =>
  readFileSync(new URL(`../../fixtures/certificates/${name}`, import.meta.url), "utf8");

const dayS = 24 * 60 * 60;
const atS = (date: string): number => Date.parse(date) / 1000;

function certificate(
  file: string,
  { now, ...more }: Partial<ManifestCertificate> & { readonly now: number },
) {
  const path = "/tls/server.pem";
  const entry = { ...declared, path, names: ["old.example"], isAcme: false, ...more };
  const look = lookOf({ now: String(now), certificates: `\0${path}\n${file}` });
  return judged("certificate", { certificates: [entry] }, look)[path];
}

test("a certificate is valid from its first day to its last, by the guest's clock", () => {
  const pem = fixture("old.pem");
  const during = atS("2020-06-01");
  expect(certificate(pem, { now: during })).toEqual({
    status: "passed",
    detail: "is valid until 2021-01-01",
  });
  expect(certificate(pem, { now: atS("2021-02-01") })).toEqual({
    status: "failed",
    detail: "expired on 2021-01-01",
  });
  expect(certificate(pem, { now: atS("2019-12-01") })?.detail).toMatch(/^is valid only from/);
  expect(certificate(pem, { now: atS("2021-01-01") - 5 * dayS })?.status).toBe("warning");
  expect(certificate(pem, { now: during, names: ["new.example"] })).toEqual({
    status: "failed",
    detail: "is not for new.example",
  });
  expect(certificate("-----BEGIN nonsense", { now: during })?.status).toBe("failed");
  // The authority's own comes only to the machine that is deployed.
  expect(certificate(pem, { now: during, names: ["a.example"], isAcme: true })?.status).toBe(
    "passed",
  );
});

function fileSystem(more: Partial<ManifestFileSystem>, mountinfo: string) {
  const entry = {
    ...declared,
    mountPoint: "/data dir",
    device: "tmpfs",
    fsType: "tmpfs",
    options: [],
    ...more,
  };
  return judged("file-system", { fileSystems: [entry] }, lookOf({ mounts: mountinfo }))[
    entry.mountPoint
  ];
}

const line = (options: string, rest = "tmpfs tmpfs rw,size=16384k,mode=750"): string =>
  `36 35 0:30 / /data\\040dir ${options} shared:1 - ${rest}\n`;

test.for([
  { fact: "as declared", options: ["size=16M", "mode=0750", "nodev", "x-systemd.automount"] },
  { fact: "a part of memory", options: ["size=50%"] },
  { fact: "without noexec", options: ["noexec"], detail: /^is without noexec/ },
  { fact: "of another size", options: ["size=32M"], detail: /^is without size=32M/ },
  { fact: "of another mode", options: ["mode=0755"], detail: /^is without mode=0755/ },
  { fact: "of another owner", options: ["uid=7"], detail: /^is without uid=7/ },
  { fact: "of another type", fsType: "ext4", detail: /^is tmpfs, and not ext4/ },
])("a file system that is $fact is judged so", ({ detail, options = [], fsType = "tmpfs" }) => {
  const outcome = fileSystem({ options, fsType }, line("rw,nodev"));
  expect(outcome?.status).toBe(detail === undefined ? "passed" : "failed");
  expect(outcome?.detail).toMatch(detail ?? /^is tmpfs on tmpfs/);
});

test("a file system that the vm lacks, or mounts later, is not called broken", () => {
  expect(fileSystem({ replaced: null }, "")?.status).toBe("skipped");
  expect(fileSystem({ options: ["noauto"] }, "")?.status).toBe("skipped");
  expect(fileSystem({}, line("rw", "autofs systemd-1 rw"))?.status).toBe("passed");
  expect(fileSystem({}, "")).toEqual({ status: "failed", detail: "is not mounted" });
});

test("a hidden mount is not taken for the one on top of it", () => {
  const mounts = line("rw,noexec") + line("rw");
  expect(fileSystem({ options: ["noexec"] }, mounts)?.status).toBe("failed");
});

const listening = (address: string, port: number): string =>
  `   0: ${address}:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A 00000000:00000000\n`;

test("a stranger's port is a warning behind a firewall, a failure without one, and its owner is named", () => {
  const look = lookOf({
    listeners: `${listening("00000000", 9000)}${listening("0100007F", 9001)}${listening("00000000", 80)}=\n=\n=\n=\n`,
    owners: `tcp ${listening("00000000", 9000).trimEnd()} 0:0 0 0 0 4711 1\nowner socket:[4711] 99 "rogue.service" cat\n`,
  });
  const servicePorts = [{ port: 80, source: "services.some.port" }];
  const detail = expect.stringContaining("cat, process 99 of rogue.service");
  expect(judged("port-undeclared", { servicePorts }, look)).toEqual({
    "tcp port 9000": { status: "warning", detail },
  });
  expect(judged("port-undeclared", { servicePorts, firewallEnabled: false }, look)).toEqual({
    "tcp port 9000": { status: "failed", detail },
  });
  // What a unit that was asked for listens on was asked for with it.
  const units = [manifestUnit({ name: "rogue.service" })];
  const open = { servicePorts, firewallEnabled: false, units };
  expect(judged("port-undeclared", open, look)["tcp port 9000"]).toEqual({
    status: "warning",
    detail: expect.stringMatching(/the unit is declared, the port is not$/),
  });
  const builtIn = { ...open, units: units.map((unit) => ({ ...unit, fromConfiguration: false })) };
  expect(judged("port-undeclared", builtIn, look)["tcp port 9000"]?.status).toBe("failed");
});

test("a virtual host is asked where it listens and by a name that it knows", () => {
  const host = (serverName: string, addr: string, port: number, ssl: boolean) => ({
    ...declared,
    name: serverName,
    serverName,
    listens: [{ addr, port, ssl, behindProxy: false }],
  });
  const virtualHosts = [
    host("*.example", "0.0.0.0", 80, false),
    host("_", "[::]", 8080, false),
    host("gone.example", "", 443, true),
    host("broken.example", "192.0.2.7", 80, false),
    host("silent.example", "", 80, false),
    // Closes at once on whoever does not begin with the client's address.
    {
      ...host("proxied.example", "", 80, false),
      listens: [{ addr: "", port: 80, ssl: false, behindProxy: true }],
    },
  ];
  const responses = [
    " 200\thttp://any.example:80/ at 127.0.0.1",
    " 404\thttp://localhost:8080/ at [::1]",
    "curl: (7) Failed to connect 000\thttps://gone.example:443/ at 127.0.0.1",
    " 502\thttp://broken.example:80/ at 192.0.2.7",
    "curl: (52) Empty reply from server 000\thttp://silent.example:80/ at 127.0.0.1",
  ].join("\n");
  expect(judged("virtual-host", { virtualHosts }, lookOf({ responses }))).toEqual({
    "http://*.example": { status: "passed", detail: "answers 200" },
    "http://_:8080": { status: "passed", detail: "answers 404" },
    "https://gone.example": {
      status: "failed",
      detail: "does not answer (Failed to connect)",
    },
    "http://broken.example": { status: "failed", detail: "answers 502" },
    "http://silent.example": {
      status: "warning",
      detail: "closes the connection without an answer (Empty reply from server)",
    },
  });
});

test("a module without its hardware is not called broken, and NixOS's own modules only warn", () => {
  const kernelModules = [
    { ...declared, name: "kvm-intel" },
    { ...declared, name: "loop" },
    { ...declared, name: "atkbd", fromConfiguration: false },
    { ...declared, name: "nvidia" },
  ];
  const modules = "/sys/module/loop\nkernel/drivers/tty/serial.ko\n";
  const idle = `kvm_intel modprobe: ERROR: could not insert 'kvm_intel': Operation not supported
nvidia modprobe: FATAL: Module nvidia not found in directory /lib/modules/6.1
`;
  const outcomes = judged("kernel-module", { kernelModules }, lookOf({ modules, idle }));
  expect(Object.values(outcomes).map(({ status }) => status)).toEqual([
    "skipped",
    "passed",
    "warning",
    "failed",
  ]);
});

test("a sysctl of several figures, and one with a dot in a name, are compared as the kernel shows them", () => {
  const sysctls = [
    { ...declared, name: "kernel.printk", value: "4" },
    { ...declared, name: "net.ipv4.conf.eth0/1.forwarding", value: "1" },
    { ...declared, name: "net.ipv4.ip_local_port_range", value: "1024 65535" },
    { ...declared, name: "vm.swappiness", value: "7" },
  ];
  const answers = {
    sysctls:
      "kernel/printk\t4\t4\t1\t7\nnet/ipv4/conf/eth0.1/forwarding\t1\nnet/ipv4/ip_local_port_range\t1024\t65535\nvm/swappiness\t60\n",
  };
  const outcomes = judged("sysctl", { sysctls }, lookOf(answers));
  expect(Object.values(outcomes).map(({ status }) => status)).toEqual([
    "passed",
    "passed",
    "passed",
    "failed",
  ]);
});

test("an activation that never ends, or is not possible, is not taken for an idle one", () => {
  const units = [
    manifestUnit({ name: "nginx.service" }),
    manifestUnit({ name: "resetup.service", wantedBy: ["sysinit-reactivation.target"] }),
    manifestUnit({ name: "on-demand.service", wantedBy: [] }),
  ];
  const outcome = (activation: Activation) =>
    judged("second-activation", { units }, lookOf({}, { activation }))["second activation"];
  const ended = { kind: "ended", exitCode: 0, output: "", restarted: [], changed: [] } as const;
  expect(outcome(ended)?.status).toBe("passed");
  expect(outcome({ kind: "endless" })?.status).toBe("failed");
  expect(outcome({ kind: "impossible" })?.status).toBe("skipped");
  expect(outcome({ ...ended, exitCode: 4 })?.detail).toBe("ended with exit code 4");
  expect(outcome({ ...ended, restarted: ["a.service"] })?.detail).toBe("started anew: a.service");
  const output = "restarting the following units: b.service\n";
  expect(outcome({ ...ended, output })?.detail).toContain(
    "restarting the following units: b.service",
  );
  const started = (names: string) =>
    outcome({ ...ended, output: `the following new units were started: ${names}\n` });
  expect(started("on-demand.service, resetup.service, sysinit-reactivation.target")?.status).toBe(
    "passed",
  );
  // What ran to its end at the boot may run again.
  const oneshots = [manifestUnit({ name: "once.service", type: "oneshot" })];
  const again = { ...ended, output: "the following new units were started: once.service\n" };
  expect(
    judged("second-activation", { units: oneshots }, lookOf({}, { activation: again }))[
      "second activation"
    ]?.status,
  ).toBe("passed");
  expect(started("nginx.service, on-demand.service")?.detail).toBe(
    "was not idle: starting nginx.service",
  );
});

test("half an answer is an error, not a guest that has nothing", async () => {
  const silent: CommandRunner = {
    ...hostRunner(),
    execute: async (command, options) => ({
      ...(await hostRunner().execute("true", options)),
      command: String(command),
      timedOut: true,
    }),
  };
  await expect(takeFacts(silent, { manifest: manifestOf([]), wants: () => true })).rejects.toThrow(
    /timed out/,
  );
});

test("hosts are asked a few at a time, with bash alone where there is no curl", async () => {
  const server = createServer((_, response) => response.writeHead(204).end());
  await once(server.listen(0, "127.0.0.1"), "listening");
  const { port } = server.address() as AddressInfo;
  const names = ["a", "b", "c", "d", "e", "f"].map((name) => `${name}.example`);
  const virtualHosts = names.map((serverName) => ({
    ...declared,
    name: serverName,
    serverName,
    listens: [{ addr: "", port, ssl: false, behindProxy: false }],
  }));
  const question = responsesQuestion(manifestOf([], { virtualHosts }));
  const without = `command() { [ "$2" != curl ] && builtin command "$@"; }\n${question}`;
  for (const text of [question, without]) {
    const { stdout } = await hostRunner().execute(text);
    const statuses = [...parseResponses(stdout)].map(([, { status }]) => status);
    expect(statuses).toEqual(names.map(() => 204));
  }
  server.close();
});

test("that a driver finds no hardware is nobody's error", () => {
  const units = [manifestUnit({ name: "systemd-modules-load.service" })];
  const journal = (reason: string) =>
    JSON.stringify({
      _SYSTEMD_UNIT: "systemd-modules-load.service",
      MESSAGE: `Failed to insert module 'kvm_intel': ${reason}`,
    });
  const status = (reason: string) =>
    judged("journal-errors", { units }, lookOf({ journal: journal(reason) }))["journal"]?.status;
  expect(status("Operation not supported")).toBe("passed");
  expect(status("Invalid argument")).toBe("failed");
});
