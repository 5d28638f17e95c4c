import { parseProperties } from "../../guest/systemd.ts";
import { CommandFailedError, type CommandResult } from "../command.ts";
import type { Expectation, Observation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { askSystemd, type SystemdOptions } from "../systemctl.ts";
import { nearestUnits, readUnit, unitEvidence, unitJournal, unitStatus } from "../unit-evidence.ts";
import {
  describeFailure,
  judge,
  unitProperties,
  unitState,
  type UnitState,
} from "../unit-state.ts";
import { named } from "./named.ts";
import { Subject } from "./subject.ts";

export type UnitOptions = SystemdOptions;

/** A systemd unit of the guest, read anew each time; a name without a suffix is a service. */
export class Unit extends Subject {
  readonly kind = "unit";
  readonly name: string;
  readonly user: string | undefined;

  constructor(runner: CommandRunner, name: string, { user }: UnitOptions = {}) {
    super(runner);
    this.name = unitName(named("unit", name));
    this.user = user;
  }

  /** @throws CommandFailedError where systemd does not answer */
  async state(): Promise<UnitState> {
    const result = await this.#show();
    if (result.failed) throw new CommandFailedError(this.runner.name, result);
    return parseState(result.stdout);
  }

  /** Every property of it by name, as `systemctl show` prints them. */
  async properties(): Promise<Readonly<Record<string, string>>> {
    const text = await readUnit(this.runner, this, 'systemctl show -- "$1"');
    return Object.fromEntries(parseProperties(text));
  }

  /** `enabled`, `disabled`, `static`, `masked`, `linked` … as `systemctl is-enabled` says. */
  async enablement(): Promise<string> {
    return (
      (await readUnit(this.runner, this, 'systemctl is-enabled -- "$1" || true')).trim() ||
      "not-found"
    );
  }

  /** What `systemctl status` prints, without the journal. */
  status(): Promise<string> {
    return unitStatus(this.runner, this);
  }

  /** The unit's last lines in the journal of this boot. */
  journal({ lines = 20 }: { readonly lines?: number } = {}): Promise<string> {
    return unitJournal(this.runner, this, lines);
  }

  /** @internal */
  active(): Expectation {
    let idleLooks = 0;
    let wasStarting = false;
    const observe = async (): Promise<Observation> => {
      const result = await this.#show();
      if (result.failed) return silence(result);
      const state = parseState(result.stdout);
      if (isMissing(state)) return this.#absence();
      const { inStateForMs: forMs } = state;
      const verdict = judge(state);
      if (verdict.kind === "active") return { holds: true, saw: "is active", forMs };
      if (verdict.kind === "hopeless")
        return { holds: false, saw: verdict.why, forMs, hopeless: true };
      // systemd forgets a unit that nothing refers to as soon as it has ended well, and only then.
      const atRest = state.activeState === "inactive" && !state.jobPending;
      if (wasStarting && state.endsInactive && atRest)
        return { holds: true, saw: "has ended well" };
      wasStarting = state.activeState === "activating";
      // Between two jobs the queue may be empty for a moment, so one look is not enough.
      idleLooks = atRest && /^NoJobs=yes$/m.test(result.stdout) ? idleLooks + 1 : 0;
      if (idleLooks < 2) return { holds: false, saw: verdict.why, forMs };
      const saw = "is inactive, and systemd has no job left that could start it";
      return { holds: false, saw, forMs, hopeless: true };
    };
    return this.#expecting("to be active", observe, { failureCode: "UNIT_FAILED" });
  }

  /** @internal */
  failed(): Expectation {
    return this.#comparing("to have failed", (state) => ({
      holds: state.activeState === "failed",
      saw:
        state.activeState === "failed"
          ? `has failed (${describeFailure(state)})`
          : `is ${state.activeState} (${state.subState})`,
    }));
  }

  /** @internal */
  existing(): Expectation {
    return this.#expecting("to exist", async () => {
      const { missing: _, ...observation } = await this.#observe(({ loadState }) => ({
        holds: true,
        saw: `exists (${loadState})`,
      }));
      return observation;
    });
  }

  /** Switched off, so that nothing can start it, as NixOS does with `enable = false`. @internal */
  masked(): Expectation {
    return this.#comparing("to be masked", ({ loadState }) => ({
      holds: loadState === "masked",
      saw: loadState === "masked" ? "is masked" : `can be started (${loadState})`,
      // What is known of the time is of another state.
      forMs: undefined,
    }));
  }

  /** systemd's `ActiveState`, whatever it means. @internal */
  inState(expected: string): Expectation {
    return this.#comparing(`to be ${expected}`, ({ activeState, subState }) => ({
      holds: activeState === expected,
      saw: `is ${activeState} (${subState})`,
    }));
  }

  /** @internal */
  enabled(): Expectation {
    return this.#expecting("to be enabled", async () => {
      const enablement = await this.enablement();
      if (enablement === "not-found") return this.#absence();
      const holds = isEnabled(enablement);
      const consequence = holds ? "" : ": nothing starts it at boot";
      return { holds, saw: `is ${enablement}${consequence}` };
    });
  }

  #expecting(
    wanted: string,
    observe: () => Promise<Observation>,
    more: Pick<Expectation, "failureCode"> = {},
  ): Expectation {
    return this.expecting(wanted, observe, {
      ...more,
      evidence: () => unitEvidence(this.runner, this),
    });
  }

  /** Of a unit that exists; one that does not will not come into being by waiting. */
  #comparing(wanted: string, look: (state: UnitState) => Observation): Expectation {
    return this.#expecting(wanted, () => this.#observe(look));
  }

  async #observe(look: (state: UnitState) => Observation): Promise<Observation> {
    const state = await this.state();
    return isMissing(state) ? this.#absence() : { forMs: state.inStateForMs, ...look(state) };
  }

  async #absence(): Promise<Observation> {
    const saw = `does not exist${await nearestUnits(this.runner, this)}`;
    // A unit that is gone since another system was switched to has left its words in the journal of this boot.
    const neverWas = (await this.journal({ lines: 1 })) === "";
    return { holds: false, saw, hopeless: true, missing: neverWas };
  }

  #show(): Promise<CommandResult> {
    return askSystemd(this.runner, showScript, [this.name], {
      purpose: `look at ${this}`,
      ...(this.user === undefined ? {} : { user: this.user }),
    });
  }

  toString(): string {
    const owner = this.user === undefined ? "" : ` of user ${this.user}`;
    return `unit ${this.name}${owner} of ${this.runner.name}`;
  }
}

// systemd's time stamps count from the guest's boot, so its uptime comes along, and whether anything is still to be done.
const showScript = `
read -r uptime _ </proc/uptime
properties=$(systemctl show --property=${unitProperties.join(",")} -- "$1") || exit
printf 'Uptime=%s\\n%s\\n' "$uptime" "$properties"
[[ $properties == *ActiveState=inactive* ]] && jobs=$(systemctl list-jobs --no-legend) &&
  [[ -z $jobs || $jobs == "No jobs"* ]] && echo NoJobs=yes
exit 0`;

function isMissing({ loadState }: UnitState): boolean {
  return loadState === "not-found";
}

function unitName(name: string): string {
  const kinds = /\.(?:service|socket|target|timer|mount|automount|path|swap|slice|scope|device)$/;
  return kinds.test(name) ? name : `${name}.service`;
}

function parseState(stdout: string): UnitState {
  const properties = parseProperties(stdout);
  return unitState(properties, Number(properties.get("Uptime")) * 1000);
}

/** systemd may not be ready to answer yet; a user that does not exist will not come into being. */
function silence({ stderr, exitCode }: CommandResult): Observation {
  const reason = stderr.trim().split("\n").at(-1) || `exit code ${exitCode}`;
  const [, user] = /user (\S+) does not exist/.exec(reason) ?? [];
  if (user === undefined) return { holds: false, saw: `cannot be asked for (${reason})` };
  return { holds: false, saw: `there is no user ${user}`, hopeless: true };
}

/** Started at boot. NixOS's units have no [Install] section, so `linked` and `static` ones are those that nothing wants. */
function isEnabled(enablement: string): boolean {
  return /^(?:enabled|enabled-runtime|generated|alias)$/.test(enablement);
}
