import type { ListeningSocket } from "../guest/systemd.ts";
import type { Manifest, PortRange } from "../nix/types.ts";
import type { CheckResult } from "./check.ts";
import type { Snapshot } from "./snapshot.ts";

interface OpenPort {
  readonly protocol: ListeningSocket["protocol"];
  readonly port: number;
  readonly source: string;
}

/** Ports that the firewall lets in; of ranges those that hold a single port, since no program opens a whole one. */
function openPorts(manifest: Manifest): OpenPort[] {
  const of = (
    protocol: ListeningSocket["protocol"],
    ports: readonly number[],
    ranges: readonly PortRange[],
  ): OpenPort[] => {
    const option = `networking.firewall.allowed${protocol.toUpperCase()}Port`;
    return [
      ...ports.map((port) => ({ protocol, port, source: `${option}s` })),
      ...ranges
        .filter(({ from, to }) => from === to)
        .map(({ from }) => ({ protocol, port: from, source: `${option}Ranges` })),
    ];
  };
  const all = [
    ...of("tcp", manifest.allowedTCPPorts, manifest.allowedTCPPortRanges),
    ...of("udp", manifest.allowedUDPPorts, manifest.allowedUDPPortRanges),
  ];
  return all.filter(
    (port, index) => all.findIndex((other) => describe(other) === describe(port)) === index,
  );
}

export function portChecks(manifest: Manifest, snapshot: Snapshot): CheckResult[] {
  return openPorts(manifest).map((port) => ({
    name: "open port has a listener",
    subject: describe(port),
    source: port.source,
    ...judgePort(port, snapshot.listeners),
  }));
}

/** Open TCP ports on which nobody listens yet. */
export function missingPorts(manifest: Manifest, snapshot: Snapshot): string[] {
  return openPorts(manifest)
    .filter((port) => port.protocol === "tcp" && listenersOn(port, snapshot.listeners).length === 0)
    .map((port) => `a listener on ${describe(port)}`);
}

function judgePort(
  port: OpenPort,
  listeners: readonly ListeningSocket[],
): Pick<CheckResult, "status" | "detail"> {
  const addresses = [...new Set(listenersOn(port, listeners).map(({ address }) => address))];
  if (addresses.length === 0) {
    const detail = "is let in by the firewall, but nobody listens on it";
    // A datagram client opens its port when it needs it.
    return { status: port.protocol === "udp" ? "warning" : "failed", detail };
  }
  const where = addresses.join(", ");
  if (addresses.every(isLoopback)) {
    return {
      status: "warning",
      detail: `is let in by the firewall, but the listener is on ${where} alone`,
    };
  }
  return { status: "passed", detail: `is listened on (${where})` };
}

function listenersOn(
  { protocol, port }: OpenPort,
  listeners: readonly ListeningSocket[],
): ListeningSocket[] {
  return listeners.filter((listener) => listener.protocol === protocol && listener.port === port);
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1";
}

function describe({ protocol, port }: Pick<OpenPort, "protocol" | "port">): string {
  return `${protocol} port ${port}`;
}
