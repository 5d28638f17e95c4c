import { didYouMean } from "../compare.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { rooted } from "./named.ts";
import { Subject } from "./subject.ts";

const script = `
if [ -e "$1" ] || [ -L "$1" ]; then echo exists; else echo missing; fi
nix-store --query --requisites -- "$2" 2>/dev/null || echo unknown`;

/** A path of the guest's Nix store. */
export class StorePath extends Subject {
  readonly kind = "store path";
  readonly path: string;

  constructor(runner: CommandRunner, path: string) {
    super(runner);
    this.path = rooted("store path", path);
  }

  /** @internal */
  existing(): Expectation {
    return this.expecting("to exist", async () => {
      const exists = (await this.ask('[ -e "$1" ] || [ -L "$1" ]', [this.path])).exitCode === 0;
      return { holds: exists, saw: exists ? "exists" : "does not exist" };
    });
  }

  /** By Nix's own record of references, in the guest. @internal */
  inClosure({ of = "/run/current-system" }: { readonly of?: string } = {}): Expectation {
    return this.expecting(`to be in the closure of ${of}`, async () => {
      const [state = "", ...closure] = (await this.read(script, [this.path, of]))
        .trimEnd()
        .split("\n");
      if (closure[0] === "unknown") {
        const saw = `the guest's Nix does not know the closure of ${of}`;
        return { holds: false, saw, hopeless: true };
      }
      const root = /^\/[^/]+\/[^/]+\/[^/]+/.exec(this.path)?.[0] ?? this.path;
      if (closure.includes(root)) return { holds: true, saw: "is in it" };
      const same = didYouMean(root, closure);
      return {
        holds: false,
        saw: `${state === "exists" ? "is not in it" : "does not exist"}${same}`,
      };
    });
  }

  toString(): string {
    return `store path ${this.path} of ${this.runner.name}`;
  }
}
