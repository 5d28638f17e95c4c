import { join } from "node:path";
import { UsageError } from "../errors.ts";
import { virtualSwitch, type NetworkConditions, type VirtualSwitch } from "../qemu/index.ts";
import type { Machine } from "./machine.ts";
import { giveUpCard, introducePeers, takeUpCard } from "./network-guest.ts";
import { subnetLease } from "./subnets.ts";

/** A machine on the network. */
interface Member {
  readonly machine: Machine;
  readonly mac: string;
  /** With its prefix. */
  readonly address: string;
  /** As it names itself. */
  hostName: string | undefined;
  /** By which the others reach it. */
  names: readonly string[];
  /** That its configuration gives it, with their prefix: `10.0.0.5/24`. */
  fixedAddresses: readonly string[];
  readonly noLaterBoot: () => void;
}

const mostMembers = 254;

/**
 * A private Ethernet between machines that run, on a switch in this process. Each gets one more network card, with an
 * address of its own and with those that its configuration has fixed; the others reach it by its host name and by
 * dryboot's name for it. Nothing of it reaches the host or other networks, and the machines keep their places on it when
 * they boot again. A machine may be on several.
 *
 * @example
 * await using network = new Network();
 * await network.connect(db, web);
 * await web.succeed("pg_isready -h db");
 */
export class Network implements AsyncDisposable {
  readonly #switch: VirtualSwitch = virtualSwitch();
  readonly #subnet = subnetLease();
  /** By run directory: a test may hold the same guest more than once. */
  readonly #members = new Map<string, Member>();
  #joined = 0;

  /**
   * Puts machines on the network, and tells all that are on it of each other.
   * @throws UsageError where one is on it already, or has an address that another has; where QEMU is older than 7.2;
   * GuestLostError
   */
  async connect(...machines: readonly Machine[]): Promise<void> {
    const joining: Member[] = [];
    try {
      for (const machine of machines) joining.push(this.#admit(machine));
      await Promise.all(joining.map((member) => this.#plugIn(member)));
      this.#requireOwnAddresses();
      for (const member of joining) member.names = this.#freeNames(member);
      await this.#introduce();
    } catch (error) {
      await Promise.all(joining.map((member) => this.#leave(member).catch(() => {})));
      throw error;
    }
  }

  /**
   * Takes a machine off the network: it has the addresses and names that it had before.
   * @throws UsageError where it is not on it; GuestLostError
   */
  async disconnect(machine: Machine): Promise<void> {
    await this.#leave(this.#memberOf(machine));
    await this.#introduce();
  }

  /** Where the others reach a machine: an address that its configuration fixes, or else the one it has for this network. */
  addressOf(machine: Machine): string {
    return addressesOf(this.#memberOf(machine))[0];
  }

  /**
   * Lets frames pass within each group only; machines that are in no group are one group together, so that
   * `partition([db])` cuts `db` off.
   * @throws UsageError where a machine is not on this network
   */
  partition(...groups: readonly (readonly Machine[])[]): void {
    this.#switch.partition(
      groups.map((group) => group.map((machine) => this.#memberOf(machine).mac)),
    );
  }

  /**
   * Delays frames or loses some of them, each way.
   * @throws UsageError where a figure is out of its range
   */
  impair({ delayMs = 0, jitterMs = 0, loss = 0 }: NetworkConditions): void {
    const isTime = (value: number): boolean => value >= 0 && Number.isFinite(value);
    if (!isTime(delayMs) || !isTime(jitterMs) || !(loss >= 0 && loss <= 1)) {
      throw new UsageError("a network is impaired by times of 0 or more, and a loss from 0 to 1");
    }
    this.#switch.setConditions({ delayMs, jitterMs, loss });
  }

  /** Ends partitions, delays and losses. */
  heal(): void {
    this.#switch.partition([]);
    this.#switch.setConditions({});
  }

  /**
   * Writes what the machines send, before it is delayed or lost, to a file that tcpdump and Wireshark read.
   * @returns what ends it; the end of the network does too
   * @throws the file system's error
   */
  capture(path: string): Promise<AsyncDisposable> {
    return this.#switch.capture(path);
  }

  /** Takes all machines off the network; they run on. */
  async [Symbol.asyncDispose](): Promise<void> {
    using _ = this.#subnet;
    await using _switch = this.#switch;
    // Those that do not answer have no use for it.
    await Promise.allSettled([...this.#members.values()].map((member) => this.#leave(member)));
  }

  #admit(machine: Machine): Member {
    const key = machine.runDirectory;
    if (this.#members.has(key)) throw new UsageError(`${machine.name} is on this network already`);
    if (this.#joined === mostMembers) {
      throw new UsageError(`${machine.name}: a network has had its ${mostMembers} machines`);
    }
    this.#joined += 1;
    const member: Member = {
      machine,
      mac: macAddress(this.#subnet.serial, this.#joined),
      address: `${this.#subnet.prefix}.${this.#joined}/24`,
      hostName: undefined,
      names: [],
      fixedAddresses: [],
      noLaterBoot: machine.onLaterBoot(async () => {
        await this.#plugIn(member);
        await this.#introduce([member]);
      }),
    };
    this.#members.set(key, member);
    return member;
  }

  #memberOf(machine: Machine): Member {
    const member = this.#members.get(machine.runDirectory);
    if (member === undefined) throw new UsageError(`${machine.name} is not on this network`);
    return member;
  }

  /** The machine has the card, and the card its addresses, however often it is asked. */
  async #plugIn(member: Member): Promise<void> {
    const { machine, mac, address } = member;
    const socketPath = join(machine.runDirectory, this.#cardId);
    await this.#switch.plug(mac, socketPath);
    await machine.plugCard({ id: this.#cardId, mac, socketPath });
    const taken = await takeUpCard(machine, { mac, address });
    member.hostName = taken.hostName;
    member.fixedAddresses = taken.fixedAddresses;
  }

  async #leave(member: Member): Promise<void> {
    const { machine, mac, noLaterBoot } = member;
    noLaterBoot();
    this.#members.delete(machine.runDirectory);
    if (!machine.isUp) return;
    await giveUpCard(machine, mac);
    await machine.unplugCard(this.#cardId);
  }

  /** As long as the name of a socket may be. */
  get #cardId(): string {
    return `net-${this.#subnet.serial}`;
  }

  /** The second of the same name has a number behind it. */
  #freeNames({ hostName, machine }: Member): string[] {
    const taken = new Set([...this.#members.values()].flatMap(({ names }) => names));
    const wanted = new Set([...(hostName === undefined ? [] : [hostName]), machine.name]);
    return [...wanted].map((name) => {
      let free = name;
      for (let number = 2; taken.has(free); number += 1) free = `${name}-${number}`;
      return free;
    });
  }

  #requireOwnAddresses(): void {
    const owners = new Map<string, Member>();
    for (const member of this.#members.values()) {
      for (const address of addressesOf(member)) {
        const owner = owners.get(address);
        if (owner !== undefined) {
          throw new UsageError(
            `${member.machine.name} has the address ${address}, which ${owner.machine.name} has on this network too`,
          );
        }
        owners.set(address, member);
      }
    }
  }

  async #introduce(only: readonly Member[] = [...this.#members.values()]): Promise<void> {
    const all = [...this.#members.values()];
    await Promise.all(
      only.map((member) => {
        const peers = all
          .filter((other) => other !== member)
          .map((other) => ({ names: other.names, addresses: addressesOf(other) }));
        return introducePeers(member.machine, { mac: member.mac, peers });
      }),
    );
  }
}

/** The one that others are told first. */
function addressesOf({ fixedAddresses, address }: Member): [string, ...string[]] {
  const [first = address, ...others] = [...fixedAddresses, address];
  const bare = (one: string): string => one.split("/")[0] ?? one;
  return [bare(first), ...others.map(bare)];
}

/** Of those that nobody sells, by the second bit of the first byte. */
function macAddress(network: number, member: number): string {
  const bytes = [0x02, 0x64, 0x72, (network >> 8) & 0xff, network & 0xff, member];
  return bytes.map((byte) => byte.toString(16).padStart(2, "0")).join(":");
}
