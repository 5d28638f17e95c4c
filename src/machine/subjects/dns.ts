import { enumerate, missingFrom } from "../compare.ts";
import { section } from "../command.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { named } from "./named.ts";
import { Subject } from "./subject.ts";

export interface DnsOptions {
  /** Addresses of this version of IP only. @default both */
  readonly family?: 4 | 6;
}

/** What `toResolve` compares. */
export interface ExpectedResolution {
  /** Addresses that must be among those the name has. @default any */
  readonly to?: string | readonly string[];
}

const patienceMs = 10_000;

/** A host name, looked up as the guest's programs do: `/etc/hosts`, resolver and all. */
export class Dns extends Subject {
  readonly kind = "name";
  readonly name: string;
  readonly #family: 4 | 6 | undefined;

  constructor(runner: CommandRunner, name: string, { family }: DnsOptions = {}) {
    super(runner);
    this.name = named("host name", name);
    this.#family = family;
  }

  /** Its addresses; none where it has none, or where nobody says so within ten seconds. */
  async addresses(): Promise<string[]> {
    return await this.#lookUp(patienceMs);
  }

  async #lookUp(limitMs: number): Promise<string[]> {
    const database = this.#family === undefined ? "ahosts" : `ahostsv${this.#family}`;
    const text = await this.read('timeout "$3" getent "$1" -- "$2" || true', [
      database,
      this.name,
      limitMs / 1000,
    ]);
    const addresses = text.split("\n").flatMap((line) => line.split(" ")[0] || []);
    // Asked for IPv6, glibc makes such addresses of IPv4 ones.
    return [...new Set(addresses)].filter((address) => !address.startsWith("::ffff:"));
  }

  /** @internal */
  resolving({ to = [] }: ExpectedResolution = {}): Expectation {
    const wanted = typeof to === "string" ? [to] : to;
    const goal = wanted.length === 0 ? "to resolve" : `to resolve to ${wanted.join(", ")}`;
    return this.expecting(
      goal,
      async ({ remainingMs }) => {
        const addresses = await this.#lookUp(Math.min(patienceMs, remainingMs));
        if (addresses.length === 0) return { holds: false, saw: "does not resolve" };
        const holds = missingFrom(addresses, wanted).length === 0;
        return { holds, saw: `resolves to ${enumerate(addresses)}` };
      },
      {
        evidence: async () => [
          ...section("/etc/resolv.conf", await this.read("cat /etc/resolv.conf || true")),
          ...section("/etc/hosts", await this.read("cat /etc/hosts || true")),
        ],
      },
    );
  }

  toString(): string {
    return `name ${this.name} in ${this.runner.name}`;
  }
}
