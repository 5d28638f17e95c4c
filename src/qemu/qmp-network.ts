import type { Deadline } from "../deadline.ts";
import { QmpError, type Qmp } from "./qmp.ts";

/** Pulls the cable out of each of the guest's network cards, or puts it back. */
export async function setLinks(qmp: Qmp, up: boolean, deadline: Deadline): Promise<void> {
  const { cards } = parseNetwork(await monitor(qmp, "info network", deadline));
  for (const name of cards) await qmp.execute("set_link", { arguments: { name, up }, deadline });
}

/** Until the last forward of a monitor is made: which port is new is seen by comparing. */
const forwarding = new WeakMap<Qmp, Promise<unknown>>();

/**
 * Opens a port of the host's loopback address that leads to a TCP port of the guest.
 * @throws QmpError where the guest has no user network, or QEMU refuses
 */
export function forwardPort(qmp: Qmp, guestPort: number, deadline: Deadline): Promise<number> {
  const before = forwarding.get(qmp) ?? Promise.resolve();
  const port = before.then(() => forwardNow(qmp, guestPort, deadline));
  forwarding.set(
    qmp,
    port.catch(() => {}),
  );
  return port;
}

async function forwardNow(qmp: Qmp, guestPort: number, deadline: Deadline): Promise<number> {
  const { userNetwork } = parseNetwork(await monitor(qmp, "info network", deadline));
  if (userNetwork === undefined)
    throw new QmpError("the guest has no user network to forward from");
  const before = forwards(await monitor(qmp, "info usernet", deadline), guestPort);
  // Port 0: the host's kernel chooses one that is free.
  const rule = `tcp:127.0.0.1:0-:${guestPort}`;
  const refusal = await monitor(qmp, `hostfwd_add ${userNetwork} ${rule}`, deadline);
  if (refusal.trim() !== "") throw new QmpError(refusal.trim());
  const after = forwards(await monitor(qmp, "info usernet", deadline), guestPort);
  const port = after.find((one) => !before.includes(one));
  if (port === undefined) throw new QmpError(`QEMU forwards nothing to port ${guestPort}`);
  return port;
}

/** A card that is plugged into a guest while it runs. */
export interface NetworkCard {
  readonly id: string;
  /** Of a switch's port. */
  readonly socketPath: string;
  /** `02:64:72:79:00:01` */
  readonly mac: string;
}

/** @throws QmpError where QEMU is older than 7.2, or the guest's PCI bus takes no card while it runs */
export async function plugCard(
  qmp: Qmp,
  { id, socketPath, mac }: NetworkCard,
  deadline: Deadline,
): Promise<void> {
  const addr = { type: "unix", path: socketPath };
  await qmp.execute("netdev_add", {
    arguments: { type: "stream", id, server: false, addr },
    deadline,
  });
  await qmp.execute("device_add", {
    arguments: { driver: "virtio-net-pci", id: `${id}-card`, netdev: id, mac },
    deadline,
  });
}

/** @throws QmpError where the guest does not let go of it */
export async function unplugCard(qmp: Qmp, id: string, deadline: Deadline): Promise<void> {
  const device = `${id}-card`;
  const gone = qmp.event(
    ({ name, data }) => name === "DEVICE_DELETED" && data["device"] === device,
    deadline,
  );
  gone.catch(() => {});
  await qmp.execute("device_del", { arguments: { id: device }, deadline });
  if ((await gone) === undefined) throw new QmpError(`the guest holds its network card ${id}`);
  await qmp.execute("netdev_del", { arguments: { id }, deadline });
}

/** The older monitor, for what the newer one has no command for. */
async function monitor(qmp: Qmp, line: string, deadline: Deadline): Promise<string> {
  const answer = await qmp.execute("human-monitor-command", {
    arguments: { "command-line": line },
    deadline,
  });
  return String(answer);
}

/** Reads `virtio-net-pci.0: index=0,type=nic,…` and, below it, ` \ user.0: index=0,type=user,…`. */
function parseNetwork(text: string): {
  readonly cards: readonly string[];
  readonly userNetwork: string | undefined;
} {
  const rows = [...text.matchAll(/^[\s\\]*(\S+): index=\d+,type=(\w+)/gm)];
  const named = (kind: string): string[] =>
    rows.flatMap(([, name, type]) => (name !== undefined && type === kind ? [name] : []));
  return { cards: named("nic"), userNetwork: named("user")[0] };
}

/** Reads `TCP[HOST_FORWARD]  12  127.0.0.1  43210  10.0.2.15  80  0  0`. */
function forwards(text: string, guestPort: number): number[] {
  const row = /^\s*TCP\[HOST_FORWARD\]\s+\d+\s+127\.0\.0\.1\s+(\d+)\s+\S+\s+(\d+)/gm;
  return [...text.matchAll(row)]
    .filter(([, , to]) => Number(to) === guestPort)
    .map(([, from]) => Number(from));
}
