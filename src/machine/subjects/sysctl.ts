import { didYouMean, matches, show } from "../compare.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { sysctlPath } from "../sysctl-path.ts";
import { named } from "./named.ts";
import { Subject } from "./subject.ts";

/** A kernel parameter of the guest, `vm.swappiness` or `net/ipv4/conf/eth0.1/forwarding`. */
export class Sysctl extends Subject {
  readonly kind = "sysctl";
  readonly name: string;

  constructor(runner: CommandRunner, name: string) {
    super(runner);
    this.name = named("sysctl", name);
  }

  /** Several values are parted by one blank; `undefined` where the kernel has no such parameter. */
  async value(): Promise<string | undefined> {
    const text = await this.read('[ ! -e "$1" ] || { echo =; cat -- "$1"; }', [this.#path]);
    return text === "" ? undefined : text.slice(2).trimEnd().replaceAll("\t", " ");
  }

  /** @internal */
  withValue(expected: string | number | RegExp): Expectation {
    const wanted = typeof expected === "number" ? String(expected) : expected;
    let absence: Promise<string> | undefined;
    return this.expecting(`to have the value ${show(wanted)}`, async () => {
      const value = await this.value();
      if (value === undefined) return { holds: false, saw: await (absence ??= this.#absence()) };
      return { holds: matches(value, wanted), saw: `has the value ${show(value)}` };
    });
  }

  async #absence(): Promise<string> {
    const files = await this.read("find /proc/sys -type f -printf '%P\\n' 2>/dev/null || true");
    const names = files.split("\n").map((file) => file.replaceAll("/", "."));
    return `does not exist${didYouMean(this.name.replaceAll("/", "."), names)}`;
  }

  get #path(): string {
    return `/proc/sys/${sysctlPath(this.name)}`;
  }

  toString(): string {
    return `sysctl ${this.name} of ${this.runner.name}`;
  }
}
