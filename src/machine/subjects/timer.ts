import { parseProperties } from "../../guest/systemd.ts";
import { formatMs } from "../../deadline.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { named } from "./named.ts";
import { Subject } from "./subject.ts";
import { nearestUnits, readUnit, unitEvidence, type UnitReference } from "../unit-evidence.ts";
import type { UnitOptions } from "./unit.ts";

/** What `toBeScheduled` compares. */
export interface ExpectedSchedule {
  /** The timer must elapse within this time from now. @default any time */
  readonly withinMs?: number;
}

export interface TimerEntry {
  readonly loadState: string;
  readonly activeState: string;
  /** The unit that it starts. */
  readonly starts: string;
  /** `undefined` where it will not elapse again. */
  readonly next: { readonly text: string; readonly inMs: number } | undefined;
}

/** A timer unit of the guest; a name without a suffix is that of a timer. */
export class Timer extends Subject {
  readonly kind = "timer";
  readonly name: string;
  readonly #unit: UnitReference;

  constructor(runner: CommandRunner, name: string, options: UnitOptions = {}) {
    super(runner);
    this.name = named("timer", name).endsWith(".timer") ? name : `${name}.timer`;
    this.#unit = { name: this.name, user: options.user };
  }

  async entry(): Promise<TimerEntry> {
    const text = await readUnit(
      this.runner,
      this.#unit,
      `
      read -r uptime _ </proc/uptime
      properties=$(systemctl show --property=LoadState,ActiveState,Unit,NextElapseUSecRealtime,NextElapseUSecMonotonic -- "$1")
      printf '%s\\nUptime=%s\\nNow=%s\\n' "$properties" "$uptime" "$(date +%s)"
      realtime=$(sed -n s/^NextElapseUSecRealtime=//p <<< "$properties")
      [ -z "$realtime" ] || [ "$realtime" = n/a ] || echo "At=$(date -d "$realtime" +%s)"`,
    );
    const properties = parseProperties(text);
    const property = (name: string): string => properties.get(name) ?? "";
    return {
      loadState: property("LoadState"),
      activeState: property("ActiveState"),
      starts: property("Unit"),
      next: nextOf(property),
    };
  }

  /** @internal */
  scheduled({ withinMs = Infinity }: ExpectedSchedule = {}): Expectation {
    const limit = withinMs === Infinity ? "" : ` within ${formatMs(withinMs)}`;
    return this.expecting(
      `to be scheduled${limit}`,
      async () => {
        const { loadState, activeState, next } = await this.entry();
        if (loadState === "not-found") {
          const saw = `does not exist${await nearestUnits(this.runner, this.#unit)}`;
          return { holds: false, saw, hopeless: true };
        }
        if (activeState !== "active") return { holds: false, saw: `is ${activeState}` };
        if (next === undefined) return { holds: false, saw: "will not elapse again" };
        const saw = `elapses next at ${next.text}, in ${formatMs(next.inMs)}`;
        return { holds: next.inMs <= withinMs, saw };
      },
      { evidence: () => unitEvidence(this.runner, this.#unit) },
    );
  }

  toString(): string {
    return `timer ${this.name} of ${this.runner.name}`;
  }
}

/** The earlier of a calendar's next time and of the next one that counts from the boot. */
function nextOf(property: (name: string) => string): TimerEntry["next"] {
  const at = Number(property("At")) || undefined;
  const calendar =
    at === undefined
      ? []
      : [{ text: property("NextElapseUSecRealtime"), inMs: (at - Number(property("Now"))) * 1000 }];
  const elapse = spanMs(property("NextElapseUSecMonotonic"));
  const monotonic =
    elapse === undefined
      ? []
      : [
          {
            text: `${formatMs(elapse)} after the boot`,
            inMs: elapse - Number(property("Uptime")) * 1000,
          },
        ];
  const times = [...calendar, ...monotonic].map(({ text, inMs }) => ({
    text,
    inMs: Math.max(0, inMs),
  }));
  return times.toSorted((left, right) => left.inMs - right.inMs)[0];
}

const units: Readonly<Record<string, number>> = {
  us: 0.001,
  ms: 1,
  s: 1000,
  min: 60_000,
  h: 3_600_000,
  d: 86_400_000,
  w: 604_800_000,
  month: 2_629_800_000,
  y: 31_557_600_000,
};

/** A span as systemd prints it, `1h 2min 3.5s`; none where it is nought or `infinity`. */
export function spanMs(text: string): number | undefined {
  const parts = [...text.matchAll(/([\d.]+)\s*([a-z]+)/g)];
  const sum = parts.reduce(
    (total, [, number = "", unit = ""]) => total + Number(number) * (units[unit] ?? 0),
    0,
  );
  return sum > 0 ? sum : undefined;
}
