import { didYouMean } from "../compare.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { named } from "./named.ts";
import { Subject } from "./subject.ts";

const script = `
cut -d' ' -f1 /proc/modules; echo =
for system in /run/booted-system/kernel-modules /run/booted-system/kernel ""; do
  file=$system/lib/modules/$(uname -r)/modules.builtin
  [ ! -r "$file" ] || { cat -- "$file"; break; }
done; echo =
[ ! -d "/sys/module/$1" ] || echo present`;

/** A kernel module of the guest; `-` and `_` are the same in its name. */
export class KernelModule extends Subject {
  readonly kind = "kernel module";
  readonly name: string;

  constructor(runner: CommandRunner, name: string) {
    super(runner);
    this.name = named("kernel module", name);
  }

  /** `built-in` modules are always there. */
  async state(): Promise<"loaded" | "built-in" | "absent"> {
    return (await this.#look()).state;
  }

  /** @internal */
  loaded(): Expectation {
    return this.expecting("to be loaded", async () => {
      const { state, modules } = await this.#look();
      if (state !== "absent") return { holds: true, saw: `is ${state}` };
      return { holds: false, saw: `is not loaded${didYouMean(this.name, modules)}` };
    });
  }

  async #look(): Promise<{
    readonly state: "loaded" | "built-in" | "absent";
    readonly modules: readonly string[];
  }> {
    const name = this.name.replaceAll("-", "_");
    const [loaded = "", builtin = "", present = ""] = (await this.read(script, [name])).split(
      /^=$/m,
    );
    const modules = loaded.trim().split("\n");
    const builtins = builtin.split("\n").map((line) => line.replace(/^.*\/|\.ko.*$/g, ""));
    const known = builtins.map((module) => module.replaceAll("-", "_"));
    if (modules.includes(name)) return { state: "loaded", modules };
    const builtIn = known.includes(name) || present.trim() !== "";
    return { state: builtIn ? "built-in" : "absent", modules };
  }

  toString(): string {
    return `kernel module ${this.name} of ${this.runner.name}`;
  }
}
