import { didYouMean, matches, show } from "../compare.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { named } from "./named.ts";
import { Subject } from "./subject.ts";

export interface PackageOptions {
  /** Looks among the packages of this user too, those of `users.users.<name>.packages`. */
  readonly user?: string;
}

/** What `toBeInstalled` compares. */
export interface ExpectedPackage {
  /** A string must be equal, a pattern must match. @default any */
  readonly version?: string | RegExp;
}

export interface PackageEntry {
  readonly name: string;
  readonly version: string;
  readonly path: string;
}

// The environments are trees of links into their packages, which nothing needs a Nix database to read.
const script = `
for root in /run/current-system/sw \${1:+"/etc/profiles/per-user/$1"}; do
  [ ! -e "$root" ] || find "$root/" -maxdepth 4 -type l -printf '%l\\n'
done | sed -nE 's,^(/[^/]+/[^/]+/[^/]+).*,\\1,p' | sort -u`;

/** A package of the system's environment, by the name that its derivation has: `git`, `curl`. */
export class Package extends Subject {
  readonly kind = "package";
  readonly name: string;
  readonly #user: string | undefined;

  constructor(runner: CommandRunner, name: string, { user }: PackageOptions = {}) {
    super(runner);
    this.name = named("package", name);
    this.#user = user;
  }

  /** Every package of that name that is installed; more than one where it has several outputs or versions. */
  async entries(): Promise<PackageEntry[]> {
    return (await this.#all()).filter(({ name }) => name === this.name);
  }

  /** @internal */
  installed({ version }: ExpectedPackage = {}): Expectation {
    const wanted = version === undefined ? "" : ` in version ${show(version)}`;
    return this.expecting(`to be installed${wanted}`, async () => {
      const all = await this.#all();
      const own = all.filter(({ name }) => name === this.name);
      if (own.length === 0) {
        const near = didYouMean(this.name, [...new Set(all.map(({ name }) => name))]);
        return { holds: false, saw: `is not installed${near}` };
      }
      const versions = [...new Set(own.map((entry) => entry.version))];
      return {
        holds: version === undefined || versions.some((each) => matches(each, version)),
        saw: `is installed in version ${versions.join(" and ")}`,
      };
    });
  }

  async #all(): Promise<PackageEntry[]> {
    const paths = await this.read(script, [this.#user ?? ""]);
    return paths.split("\n").flatMap((path) => (path === "" ? [] : [packageOf(path)]));
  }

  toString(): string {
    return `package ${this.name} of ${this.runner.name}`;
  }
}

const outputs = /-(?:bin|dev|doc|info|lib|man|out|static|terminfo)$/;

/** As Nix parts a name: the version begins behind the first dash that no letter follows. */
export function packageOf(path: string): PackageEntry {
  const full = path.replace(/^.*\/[0-9a-z]{32}-/, "");
  const [, name = full, version = ""] = /^(.*?)-([^A-Za-z].*)$/.exec(full) ?? [];
  return { name: name.replace(outputs, ""), version: version.replace(outputs, ""), path };
}
