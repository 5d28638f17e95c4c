import type { ListeningSocket } from "../guest/systemd.ts";
import type { Manifest, OpenPorts } from "../nix/index.ts";
import { declaredBy, type Check, type Finding, type Judgement } from "./check.ts";
import type { Look } from "./look.ts";
import type { Snapshot } from "./snapshot.ts";

type OpenPort = OpenPorts & { readonly port: number };

/** Ports that the firewall lets in; of ranges those that hold a single port, since no program opens a whole one. */
function openPorts({ openPorts: all }: Manifest): OpenPort[] {
  return all
    .filter(({ from, to }) => from === to)
    .map((port) => ({ ...port, port: port.from }))
    .filter(
      (port, index, ports) =>
        ports.findIndex((other) => describe(other) === describe(port)) === index,
    );
}

export function portChecks(manifest: Manifest): Check[] {
  return [
    ...openPorts(manifest).map((port): Check => {
      const { source, file } = declaredBy(port);
      return {
        name: "port-open",
        subject: describe(port),
        source,
        ...(file === undefined ? {} : { file }),
        judge: ({ snapshot }) => judgePort(port, snapshot.listeners),
      };
    }),
    {
      name: "port-undeclared",
      subject: "listeners",
      source: "networking.firewall",
      finds: /^(?:tcp|udp) port \d+$/,
      judge: (look) => judgeUndeclared(manifest, look),
    },
  ];
}

/** Open TCP ports on which nobody listens yet. */
export function missingPorts(manifest: Manifest, snapshot: Snapshot): string[] {
  return openPorts(manifest)
    .filter((port) => port.protocol === "tcp" && listenersOn(port, snapshot.listeners).length === 0)
    .map((port) => `a listener on ${describe(port)}`);
}

function judgePort(port: OpenPort, listeners: readonly ListeningSocket[]): Judgement {
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

/**
 * Behind a firewall a listener that nobody declared is shown; without one the whole network reaches it. What a unit of
 * the configuration listens on by default was wanted with the unit.
 */
function judgeUndeclared(manifest: Manifest, { snapshot, facts }: Look): Judgement | Finding[] {
  const declared = declaredPorts(manifest);
  const outside = snapshot.listeners.filter(
    (listener) => !isLoopback(listener.address) && !isPassing(listener),
  );
  const strangers = [...new Set(outside.map(describe))].filter((port) => !declared.has(port));
  if (strangers.length === 0) {
    return { status: "passed", detail: "are all declared, or on this machine's own addresses" };
  }
  const own = new Set(
    manifest.units.filter(({ fromConfiguration }) => fromConfiguration).map(({ name }) => name),
  );
  return strangers.map((subject): Finding => {
    const owner = facts.owners.get(subject);
    const listens = `is listened on by ${owner?.text ?? "somebody"}`;
    if (manifest.firewallEnabled) {
      const detail = `${listens}, behind the firewall, and nothing declares it`;
      return { subject, status: "warning", detail };
    }
    if (own.has(owner?.unit ?? "")) {
      const detail = `${listens}, open to everybody: the unit is declared, the port is not`;
      return { subject, status: "warning", detail };
    }
    const detail = `${listens}, open to everybody, and nothing declares it`;
    return { subject, status: "failed", detail };
  });
}

/** All that says «this machine uses that port»: firewall, socket units, virtual hosts, ports of services. */
function declaredPorts(manifest: Manifest): ReadonlySet<string> {
  const ofSockets = manifest.units.flatMap(({ listens }) =>
    listens.flatMap(({ protocol, address }) => {
      const port = /(?:^|:)(\d+)$/.exec(address)?.[1];
      return port === undefined ? [] : [`${protocol} port ${port}`];
    }),
  );
  const ofHosts = manifest.virtualHosts.flatMap(({ listens }) =>
    listens.flatMap(({ port }) => [`tcp port ${port}`, `udp port ${port}`]),
  );
  const ofServices = manifest.servicePorts.flatMap(({ port }) => [
    `tcp port ${port}`,
    `udp port ${port}`,
  ]);
  const ofFirewall = manifest.openPorts.flatMap(({ protocol, from, to }) =>
    Array.from({ length: to - from + 1 }, (_, index) => `${protocol} port ${from + index}`),
  );
  return new Set([...ofSockets, ...ofHosts, ...ofServices, ...ofFirewall]);
}

/** Sockets of clients: DHCP's, and those that a datagram client is given for one question. */
function isPassing({ protocol, port }: ListeningSocket): boolean {
  return protocol === "udp" && (port === 68 || port === 546 || port >= 32_768);
}

function listenersOn(
  { protocol, port }: OpenPort,
  listeners: readonly ListeningSocket[],
): ListeningSocket[] {
  return listeners.filter((listener) => listener.protocol === protocol && listener.port === port);
}

function isLoopback(address: string): boolean {
  return address.startsWith("127.") || address === "::1" || address.startsWith("::ffff:127.");
}

function describe({ protocol, port }: Pick<ListeningSocket, "protocol" | "port">): string {
  return `${protocol} port ${port}`;
}
