// Ports that are open, and sockets of units.
import { expect, test } from "vitest";
import { planChecks } from "../../../src/checks/index.ts";
import { declared, manifestOf, manifestUnit, shown, target } from "./guest-tools.ts";
import { judged, lookOf } from "./look.ts";

const row = (address: string, port: number, state: string): string =>
  `   0: ${address}:${port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 ${state} 00000000:00000000\n`;
const loopback4 = "0100007F";
const loopback6 = "00000000000000000000000001000000";
const mappedLoopback = "0000000000000000FFFF00000100007F";
const anywhere = "00000000";

/** The kernel's tables, in the order in which they are asked. */
const tables = (tcp4 = "", tcp6 = "", udp4 = "", udp6 = ""): string =>
  `${tcp4}=\n${tcp6}=\n${udp4}=\n${udp6}=\n`;

const tcpPort = { ...declared, protocol: "tcp", from: 80, to: 80 } as const;
const udpPort = { ...declared, protocol: "udp", from: 53, to: 53 } as const;

test.for([
  { fact: "listened on", is: tables(row(anywhere, 80, "0A")), status: "passed" },
  {
    fact: "listened on by nobody outside",
    is: tables(row(loopback4, 80, "0A"), row(loopback6, 80, "0A")),
    status: "warning",
    detail: "is let in by the firewall, but the listener is on 127.0.0.1, ::1 alone",
  },
  {
    fact: "listened on outside too",
    is: tables(row(loopback4, 80, "0A") + row(anywhere, 80, "0A")),
    status: "passed",
  },
  {
    fact: "another protocol's alone",
    is: tables("", "", row(anywhere, 80, "07")),
    status: "failed",
    detail: "is let in by the firewall, but nobody listens on it",
  },
])("an open port that is $fact is judged so", ({ is, status, detail }) => {
  const outcome = judged("port-open", { openPorts: [tcpPort] }, lookOf({ listeners: is }));
  expect(outcome["tcp port 80"]).toMatchObject({ status, ...(detail && { detail }) });
});

test("a datagram port without a listener only warns, and a range of ports is not asked for", () => {
  const openPorts = [udpPort, { ...tcpPort, from: 8000, to: 8010 }, udpPort];
  expect(judged("port-open", { openPorts }, lookOf({ listeners: tables() }))).toEqual({
    "udp port 53": {
      status: "warning",
      detail: "is let in by the firewall, but nobody listens on it",
    },
  });
  const plan = planChecks({ manifest: manifestOf([], { openPorts }) });
  expect(plan.filter(({ name }) => name === "port-open")).toHaveLength(1);
});

test("who listens where something says so, or as a client, or for this machine alone, is no stranger", () => {
  const listeners = tables(
    [8000, 8010, 8011, 7001, 8443, 68, 40_000].map((port) => row(anywhere, port, "0A")).join(""),
    row(loopback6, 9000, "0A") + row(mappedLoopback, 9001, "0A"),
    [68, 546, 32_768, 32_767].map((port) => row(anywhere, port, "07")).join(""),
  );
  const openPorts = [{ ...tcpPort, from: 8000, to: 8010 }];
  const listens = [{ protocol: "tcp", address: "[::]:7001" }] as const;
  const units = [manifestUnit({ name: "echo.socket", type: "socket", listens })];
  const listen = { addr: "", port: 8443, ssl: true, behindProxy: false };
  const virtualHosts = [{ ...declared, name: "a", serverName: "a", listens: [listen] }];
  const look = lookOf({ listeners });
  const found = judged("port-undeclared", { openPorts, units, virtualHosts }, look);
  expect(Object.keys(found)).toEqual([
    "tcp port 8011",
    "tcp port 68",
    "tcp port 40000",
    "udp port 32767",
  ]);
});

test("a socket unit has to listen on each of its addresses", () => {
  const tcp = (address: string) => ({ protocol: "tcp", address }) as const;
  const outcome = (addresses: readonly string[], answers: Readonly<Record<string, string>>) => {
    const units = [
      manifestUnit({
        name: "echo.socket",
        type: "socket",
        wantedBy: ["sockets.target"],
        listens: addresses.map(tcp),
      }),
    ];
    const shownUnits = target + shown("echo.socket", { SubState: "listening", Type: "" });
    return judged("socket-listening", { units }, lookOf({ units: shownUnits, ...answers }))[
      "echo.socket"
    ];
  };
  const unixSockets = "0000000000000000: 00000002 00000000 00010000 0001 01 4711 /run/echo.sock\n";
  const listeners = tables("", row(loopback6, 7000, "0A"));
  expect(outcome(["[::1]:7000", "/var/run/echo.sock", "%t/x"], { listeners, unixSockets })).toEqual(
    { status: "passed", detail: "listens on [::1]:7000, /var/run/echo.sock, %t/x" },
  );
  expect(
    outcome(["[::1]:7000", "/run/echo.sock", "@echo"], { listeners: tables(), unixSockets }),
  ).toEqual({ status: "failed", detail: "does not listen on [::1]:7000, @echo" });
  expect(outcome(["7000"], { listeners: tables("", "", row(anywhere, 7000, "07")) })?.status).toBe(
    "failed",
  );
});
