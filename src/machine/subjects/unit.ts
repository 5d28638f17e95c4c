import { parseProperties } from "../../guest/systemd.ts";
import { CommandFailedError, section, type CommandResult } from "../command.ts";
import { nearestNames } from "../../nearest.ts";
import type { Expectation, Observation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { quoteArgument } from "../shell.ts";
import { judge, unitProperties, unitState, type UnitState } from "../unit-state.ts";

export interface UnitOptions {
  /** Asks the systemd instance of this user instead of the system's. */
  readonly user?: string;
}

/** A systemd unit of the guest, read anew each time; a name without a suffix is a service. */
export class Unit {
  readonly name: string;
  readonly user: string | undefined;
  readonly #runner: CommandRunner;

  constructor(runner: CommandRunner, name: string, { user }: UnitOptions = {}) {
    this.#runner = runner;
    this.name = /\.[a-z]+$/.test(name) ? name : `${name}.service`;
    this.user = user;
  }

  /** @throws CommandFailedError where systemd does not answer */
  async state(): Promise<UnitState> {
    const result = await this.#show();
    if (result.failed) throw new CommandFailedError(this.#runner.name, result);
    return parseState(result.stdout);
  }

  /** `enabled`, `disabled`, `static`, `masked`, `linked` … as `systemctl is-enabled` says. */
  async enablement(): Promise<string> {
    const { stdout } = await this.#systemctl(`is-enabled -- ${quoteArgument(this.name)}`);
    return stdout.trim() || "not-found";
  }

  /** What `systemctl status` prints, without the journal. */
  async status(): Promise<string> {
    const unit = quoteArgument(this.name);
    const result = await this.#systemctl(`status --no-pager --full --lines=0 -- ${unit}`);
    return result.stdout || result.stderr;
  }

  /** The unit's last lines in the journal of this boot. */
  async journal({ lines = 20 }: { readonly lines?: number } = {}): Promise<string> {
    const unit = this.user === undefined ? "--unit" : "--user-unit";
    const options = ["--boot", "--no-pager", "--quiet", `--lines=${lines}`];
    return (await this.#runner.execute(["journalctl", ...options, unit, this.name])).stdout;
  }

  /** @internal */
  active(): Expectation {
    let idleLooks = 0;
    let wasStarting = false;
    const observe = async (): Promise<Observation> => {
      const result = await this.#show();
      if (result.failed) return { holds: false, saw: `cannot be asked for (${lastLine(result)})` };
      const state = parseState(result.stdout);
      const verdict = judge(state);
      if (verdict.kind === "active") return { holds: true, saw: "is active" };
      if (verdict.kind === "hopeless") {
        return { holds: false, saw: verdict.why + (await this.#suggestion(state)), hopeless: true };
      }
      // systemd forgets a unit that nothing refers to as soon as it has ended well, and only then.
      if (
        wasStarting &&
        state.endsInactive &&
        state.activeState === "inactive" &&
        !state.jobPending
      ) {
        return { holds: true, saw: "has ended well" };
      }
      wasStarting = state.activeState === "activating";
      // Between two jobs the queue may be empty for a moment, so one look is not enough.
      const idle =
        state.activeState === "inactive" && !state.jobPending && (await this.#nothingToDo());
      idleLooks = idle ? idleLooks + 1 : 0;
      if (idleLooks < 2) return { holds: false, saw: verdict.why };
      const saw = "is inactive, and systemd has no job left that could start it";
      return { holds: false, saw, hopeless: true };
    };
    return { ...this.#expectation("to be active"), failureCode: "UNIT_FAILED", observe };
  }

  /** @internal */
  failed(): Expectation {
    const observe = async (): Promise<Observation> => {
      const state = await this.state();
      if (state.loadState === "not-found") {
        const saw = `does not exist${await this.#suggestion(state)}`;
        return { holds: false, saw, hopeless: true };
      }
      return {
        holds: state.activeState === "failed",
        saw: `is ${state.activeState} (${state.subState})`,
      };
    };
    return { ...this.#expectation("to be failed"), observe };
  }

  /** @internal */
  enabled(): Expectation {
    const observe = async (): Promise<Observation> => {
      const enablement = await this.enablement();
      return { holds: isEnabled(enablement), saw: `is ${enablement}` };
    };
    return { ...this.#expectation("to be enabled"), observe };
  }

  #expectation(wanted: string): Omit<Expectation, "observe"> {
    const evidence = async (): Promise<readonly string[]> => [
      ...section("status", await this.status()),
      ...section("journal", await this.journal()),
    ];
    return { runner: this.#runner, subject: this.toString(), wanted, evidence };
  }

  /** systemd's time stamps count from the guest's boot, so its uptime comes along. */
  #show(): Promise<CommandResult> {
    return this.#systemctl(
      `show --property=${unitProperties.join(",")} -- ${quoteArgument(this.name)}`,
      'read -r uptime _ </proc/uptime; echo "Uptime=$uptime"',
    );
  }

  async #nothingToDo(): Promise<boolean> {
    const { failed, stdout } = await this.#systemctl("list-jobs --no-legend --no-pager");
    return !failed && /^(?:No jobs.*)?\s*$/.test(stdout);
  }

  /** `; did you mean nginx.service?` for a unit that does not exist. */
  async #suggestion({ loadState }: UnitState): Promise<string> {
    if (loadState !== "not-found") return "";
    const { stdout } = await this.#systemctl(
      "list-units --all --no-legend --no-pager --plain --full",
      "",
      "list-unit-files --no-legend --no-pager",
    );
    const names = [...stdout.matchAll(/^\W*(\S+\.[a-z]+)\s/gm)].map(([, name = ""]) => name);
    const near = nearestNames(this.name, names);
    return near.length > 0 ? `; did you mean ${near.join(" or ")}?` : "";
  }

  #systemctl(command: string, before = "", also = ""): Promise<CommandResult> {
    const user = this.user === undefined ? {} : { user: this.user };
    const call = (words: string): string => `systemctl ${"user" in user ? "--user " : ""}${words}`;
    const lines = [before, call(command), also && call(also)].filter((line) => line !== "");
    return this.#runner.execute(lines.join("\n"), { environment: { LC_ALL: "C" }, ...user });
  }

  toString(): string {
    const owner = this.user === undefined ? "" : ` of user ${this.user}`;
    return `unit ${this.name}${owner} of ${this.#runner.name}`;
  }
}

function parseState(stdout: string): UnitState {
  const properties = parseProperties(stdout);
  return unitState(properties, Number(properties.get("Uptime")) * 1000);
}

function lastLine({ stderr, exitCode }: CommandResult): string {
  return stderr.trim().split("\n").at(-1) || `exit code ${exitCode}`;
}

/** Started at boot. NixOS's units have no [Install] section, so `linked` and `static` ones are those that nothing wants. */
function isEnabled(enablement: string): boolean {
  return /^(?:enabled|enabled-runtime|generated|alias)$/.test(enablement);
}
