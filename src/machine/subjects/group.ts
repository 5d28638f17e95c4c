import { didYouMean, enumerate, missingFrom } from "../compare.ts";
import type { Expectation, Observation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { named } from "./named.ts";
import { Subject } from "./subject.ts";

export interface GroupEntry {
  readonly gid: number;
  /** Users that have it as their primary group too. */
  readonly members: readonly string[];
}

const script = `
getent group -- "$1" || { getent group | cut -d: -f1; exit; }
IFS=: read -r _ _ gid _ < <(getent group -- "$1")
while IFS=: read -r user _ _ primary _; do
  [ "$primary" != "$gid" ] || echo "$user"
done < <(getent passwd)`;

/** A group of the guest, wherever the guest's name service has it from. */
export class Group extends Subject {
  readonly kind = "group";
  readonly name: string;

  constructor(runner: CommandRunner, name: string) {
    super(runner);
    this.name = named("group", name);
  }

  /** `undefined` where there is no such group. */
  async entry(): Promise<GroupEntry | undefined> {
    const { entry } = await this.#look();
    return entry;
  }

  /** @internal */
  existing(): Expectation {
    return this.#comparing("to exist", ({ gid }) => ({ holds: true, saw: `exists (gid ${gid})` }));
  }

  /** @internal */
  withGid(expected: number): Expectation {
    return this.#comparing(`to have the gid ${expected}`, ({ gid }) => ({
      holds: gid === expected,
      saw: `has the gid ${gid}`,
    }));
  }

  /** @internal */
  withMember(expected: string | readonly string[]): Expectation {
    const wanted = typeof expected === "string" ? [expected] : expected;
    return this.#comparing(`to have the member ${wanted.join(", ")}`, ({ members }) => ({
      holds: missingFrom(members, wanted).length === 0,
      saw:
        members.length === 0
          ? "has no members"
          : `has the member${members.length > 1 ? "s" : ""} ${enumerate(members)}`,
    }));
  }

  #comparing(wanted: string, look: (entry: GroupEntry) => Observation): Expectation {
    return this.expecting(wanted, async () => {
      const { entry, others } = await this.#look();
      if (entry !== undefined) return look(entry);
      return { holds: false, saw: `does not exist${didYouMean(this.name, others)}` };
    });
  }

  async #look(): Promise<{ readonly entry?: GroupEntry; readonly others: readonly string[] }> {
    const lines = (await this.read(script, [this.name])).split("\n").filter((line) => line !== "");
    const [, , gid, listed = ""] = lines[0]?.split(":") ?? [];
    if (gid === undefined) return { others: lines };
    const members = new Set([...listed.split(",").filter(Boolean), ...lines.slice(1)]);
    return { entry: { gid: Number(gid), members: [...members] }, others: [] };
  }

  toString(): string {
    return `group ${this.name} of ${this.runner.name}`;
  }
}
