import { CommandFailedError, section } from "../command.ts";
import { didYouMean, enumerate } from "../compare.ts";
import type { Expectation, Observation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { named } from "./named.ts";
import { Subject } from "./subject.ts";

export interface InterfaceEntry {
  readonly name: string;
  /** Switched on, and its link carries. */
  readonly up: boolean;
  /** `up`, `down`, `lowerlayerdown`; `unknown` where the driver does not say, as for `lo`. */
  readonly state: string;
  readonly mtu: number;
  readonly macAddress: string | undefined;
  /** With their prefix length: `10.0.2.15/24`. */
  readonly addresses: readonly string[];
}

/** A network interface of the guest. */
export class NetworkInterface extends Subject {
  readonly kind = "network interface";
  readonly name: string;

  constructor(runner: CommandRunner, name: string) {
    super(runner);
    this.name = named("network interface", name);
  }

  /** `undefined` where there is no such interface. */
  async entry(): Promise<InterfaceEntry | undefined> {
    return (await this.#look()).entry;
  }

  /** @internal */
  existing(): Expectation {
    return this.#comparing("to exist", ({ state }) => ({ holds: true, saw: `exists (${state})` }));
  }

  /** @internal */
  up(): Expectation {
    return this.#comparing("to be up", ({ up, state }) => ({
      holds: up,
      saw: up ? "is up" : `is down (${state})`,
    }));
  }

  /** With its prefix length or without. @internal */
  withAddress(expected: string): Expectation {
    return this.#comparing(`to have the address ${expected}`, ({ addresses }) => ({
      holds: addresses.some((address) => [address, address.split("/")[0]].includes(expected)),
      saw:
        addresses.length === 0
          ? "has no address"
          : `has the address${addresses.length > 1 ? "es" : ""} ${enumerate(addresses)}`,
    }));
  }

  #comparing(wanted: string, look: (entry: InterfaceEntry) => Observation): Expectation {
    return this.expecting(
      wanted,
      async () => {
        const { entry, others } = await this.#look();
        if (entry !== undefined) return look(entry);
        const near = didYouMean(this.name, others);
        return { holds: false, saw: `does not exist${near || `; there are ${enumerate(others)}`}` };
      },
      { evidence: async () => section("ip -brief addr", await this.read("ip -brief addr show")) },
    );
  }

  async #look(): Promise<{
    readonly entry: InterfaceEntry | undefined;
    readonly others: readonly string[];
  }> {
    const result = await this.runner.execute(["ip", "-json", "addr", "show"], {
      purpose: `look at ${this}`,
    });
    if (result.failed) throw new CommandFailedError(this.runner.name, result);
    const links = parseLinks(result.stdout);
    return {
      entry: links.find(({ names }) => names.includes(this.name))?.entry,
      others: links.flatMap(({ names }) => names),
    };
  }

  toString(): string {
    return `network interface ${this.name} of ${this.runner.name}`;
  }
}

interface Link {
  readonly ifname?: string;
  readonly altnames?: readonly string[];
  readonly flags?: readonly string[];
  readonly operstate?: string;
  readonly mtu?: number;
  readonly address?: string;
  readonly addr_info?: readonly { readonly local?: string; readonly prefixlen?: number }[];
}

function parseLinks(
  text: string,
): { readonly names: readonly string[]; readonly entry: InterfaceEntry }[] {
  const links = (text.trim() === "" ? [] : JSON.parse(text)) as readonly Link[];
  return links.flatMap(({ ifname, altnames = [], flags = [], operstate, mtu, ...rest }) => {
    if (ifname === undefined) return []; // some versions print empty objects for what was filtered out
    const entry: InterfaceEntry = {
      name: ifname,
      up: flags.includes("UP") && flags.includes("LOWER_UP"),
      state: (operstate ?? "unknown").toLowerCase(),
      mtu: mtu ?? 0,
      macAddress: rest.address,
      addresses: (rest.addr_info ?? []).map(({ local, prefixlen }) => `${local}/${prefixlen}`),
    };
    return [{ names: [ifname, ...altnames], entry }];
  });
}
