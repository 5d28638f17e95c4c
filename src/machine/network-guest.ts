// What a guest does for a network that it is put on while it runs. Nothing of it outlives a boot.
import { isIP } from "node:net";
import { ExpectationError } from "./observe.ts";
import type { CommandRunner } from "./runner.ts";

/** Of a guest that has taken a card up. */
export interface CardTaken {
  /** As the guest names itself, where it is a host name. */
  readonly hostName: string | undefined;
  /** That its configuration fixes, with their prefix. They lay on its other cards and are on this one now. */
  readonly fixedAddresses: readonly string[];
}

/** Another machine of the network. */
export interface Peer {
  readonly names: readonly string[];
  /** The one that its names lead to, and others. */
  readonly addresses: readonly [string, ...string[]];
}

// To start a program takes a guest under TCG up to a tenth of a second: what bash can do itself it does.

// The name of the card whose address is $mac, in $card.
const findCard = `
find_card() {
  local each found
  for each in /sys/class/net/*; do
    read -r found 2>/dev/null <"$each/address" || continue
    if [[ $found == "$mac" ]]; then card=\${each##*/}; return; fi
  done
  return 1
}`;

// What has to be undone, and the names of the peers, in a directory for each card.
const ownDirectory = `
directory=/run/dryboot/networks/$mac`;

// udev may give the card another name while it is looked for. An address that no server gave lasts for ever, so that it
// is not «dynamic»; it was fixed for a card that the vm does not have, or for its first one. The first network gets it.
const takeUp = `
${findCard}
mac=$1 address=$2 tries=$3
${ownDirectory}
until find_card; do
  if ((--tries < 0)); then echo "no network card $mac has appeared" >&2; exit 1; fi
  sleep 0.1
done
udevadm settle --timeout=10 || true
find_card
mkdir -p "$directory"
ip link set dev "$card" up
ip -oneline address show scope global | while read -r _ device family fixed rest; do
  case "$device $rest " in
    "$card "* | "lo "* | *" dynamic "*) continue ;;
  esac
  [[ $family == inet || $family == inet6 ]] && [[ -e /sys/class/net/$device/device ]] || continue
  read -r its_mac <"/sys/class/net/$device/address" || continue
  [[ ! -e /run/dryboot/networks/$its_mac ]] || continue
  echo "$device $fixed" >>"$directory/moved"
  ip address delete "$fixed" dev "$device"
  ip address replace "$fixed" dev "$card"
done
ip address replace "$address" dev "$card"
read -r host_name </proc/sys/kernel/hostname
echo "$host_name"
ip -oneline address show dev "$card" scope global permanent | while read -r _ _ _ has _; do
  [[ $has == "$address" ]] || echo "$has"
done
`;

// The names come behind those of the configuration, in a file that is laid over its own.
const layHosts = `
lay_hosts() {
  local own=/run/dryboot/hosts.own all=/run/dryboot/hosts file mounts
  file=$(readlink -f /etc/hosts)
  mapfile -t mounts </proc/self/mounts
  if [[ "\${mounts[*]}" != *" $file "* ]]; then
    tee "$own" <"$file" >"$all"
    mount --bind "$all" "$file"
  fi
  shopt -s nullglob
  cat "$own" /run/dryboot/networks/*/hosts >"$all"
}`;

const introduce = `
${findCard}
${layHosts}
mac=$1 hosts=$2; shift 2
${ownDirectory}
find_card
for address; do ip route replace "$address" dev "$card"; done
printf %s "$hosts" >"$directory/hosts"
lay_hosts
`;

const giveUp = `
${findCard}
${layHosts}
mac=$1
${ownDirectory}
find_card
if [[ -e $directory/moved ]]; then
  while read -r device fixed; do
    ip address delete "$fixed" dev "$card"
    ip address replace "$fixed" dev "$device"
  done <"$directory/moved"
fi
rm -r "$directory"
lay_hosts
`;

/** @throws ExpectationError where no card appears, or it takes no address; GuestLostError */
export async function takeUpCard(
  guest: CommandRunner,
  { mac, address }: { readonly mac: string; readonly address: string },
): Promise<CardTaken> {
  const tries = String(Math.ceil(50 * guest.timeoutScale));
  const stdout = await obtain(guest, "take up a network card", takeUp, [mac, address, tries]);
  const [hostName, ...addresses] = stdout.trim().split("\n");
  return {
    hostName: hostName !== undefined && isHostName(hostName) ? hostName : undefined,
    fixedAddresses: addresses.filter((each) => isIP(each.split("/")[0] ?? "") !== 0),
  };
}

/** Tells a guest the names of all its peers, and the way to the addresses that its own network does not hold. */
export async function introducePeers(
  guest: CommandRunner,
  { mac, peers }: { readonly mac: string; readonly peers: readonly Peer[] },
): Promise<void> {
  const hosts = peers.map(({ names, addresses: [address] }) => `${address} ${names.join(" ")}\n`);
  const addresses = peers.flatMap((peer) => peer.addresses);
  await obtain(guest, "learn of other machines", introduce, [mac, hosts.join(""), ...addresses]);
}

/** The guest has the addresses and names that it had without the card. */
export async function giveUpCard(guest: CommandRunner, mac: string): Promise<void> {
  await obtain(guest, "give up a network card", giveUp, [mac]);
}

/** A script of dryboot's own, which no reader of a message has written. */
async function obtain(
  guest: CommandRunner,
  purpose: string,
  script: string,
  words: readonly string[],
): Promise<string> {
  const command = ["bash", "-euo", "pipefail", "-c", script, "bash", ...words];
  const { failed, stdout, stderr } = await guest.execute(command, { purpose });
  if (!failed) return stdout;
  throw new ExpectationError(
    `${guest.name} was expected to ${purpose}, but ${lastLine(stderr)}`,
    "ASSERTION",
    [],
  );
}

function lastLine(text: string): string {
  return text.trim().split("\n").at(-1) ?? "";
}

function isHostName(text: string): boolean {
  return /^[a-z\d]([a-z\d.-]{0,251}[a-z\d])?$/i.test(text);
}
