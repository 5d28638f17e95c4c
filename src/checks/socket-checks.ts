import type { ListeningSocket } from "../guest/systemd.ts";
import type { Manifest, ManifestUnit } from "../nix/index.ts";
import { declaredBy, failed, passed, type Check, type Judgement } from "./check.ts";
import type { Look } from "./look.ts";
import { enabledUnits, judgeSettled } from "./unit-checks.ts";

export const unixSocketsQuestion = "cat /proc/net/unix";

/** Paths of the last column; abstract ones begin with `@`, as systemd writes them too. */
export function parseUnixSockets(text: string): Set<string> {
  return new Set(
    text.split("\n").flatMap((line) => /^[0-9a-f]+: (?:\S+ +){5}\d+ (.+)$/.exec(line)?.[1] ?? []),
  );
}

export function socketChecks({ units }: Manifest): Check[] {
  return enabledUnits(units)
    .filter(({ type, listens }) => type === "socket" && listens.length > 0)
    .map((socket) => ({
      name: "socket-listening",
      subject: socket.name,
      ...declaredBy(socket),
      judge: (look) => judgeSocket(socket, look),
    }));
}

function judgeSocket(unit: ManifestUnit, look: Look): Judgement {
  const active = judgeSettled(unit, look.snapshot);
  if (active.status !== "passed") return active;
  const addresses = unit.listens.map(({ address }) => address);
  const deaf = unit.listens.filter((listen) => !isHeard(listen, look));
  return deaf.length > 0
    ? failed(`does not listen on ${deaf.map(({ address }) => address).join(", ")}`)
    : passed(`listens on ${addresses.join(", ")}`);
}

function isHeard(
  { protocol, address }: ManifestUnit["listens"][number],
  { snapshot, facts }: Look,
): boolean {
  // Specifiers of a unit's name or user; systemd alone knows what they come to.
  if (address.includes("%") || address.startsWith("vsock:")) return true;
  if (/^[/@]/.test(address))
    return (
      facts.unixSockets.has(address.replace(/^\/var\/run\//, "/run/")) ||
      facts.unixSockets.has(address)
    );
  const port = Number(/(\d+)$/.exec(address)?.[1]);
  return snapshot.listeners.some(
    (listener: ListeningSocket) => listener.protocol === protocol && listener.port === port,
  );
}
