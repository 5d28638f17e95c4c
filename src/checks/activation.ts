import { CommandFailedError } from "../machine/command.ts";
import type { CommandRunner } from "../machine/runner.ts";
import type { Manifest } from "../nix/index.ts";
import { failed, passed, type Check, type Judgement } from "./check.ts";
import { ask, type Questions } from "./sections.ts";
import { enabledUnits, wanters } from "./unit-checks.ts";

/** What came of activating the system that runs once more. */
export type Activation =
  | { readonly kind: "impossible" }
  | { readonly kind: "endless" }
  | {
      readonly kind: "ended";
      readonly exitCode: number;
      readonly output: string;
      /** Services that were active and have been started anew. */
      readonly restarted: readonly string[];
      /** Lines of /etc as it was before and as it was after, where they differ. */
      readonly changed: readonly string[];
    };

const activationTimeoutMs = 120_000;

/** Switches a guest to the system that it runs, the way nixos-rebuild does, and compares. */
export async function activateAgain(guest: CommandRunner): Promise<Activation> {
  const timeoutMs = activationTimeoutMs * guest.timeoutScale;
  const section = await ask(guest, questions, {
    purpose: "switch to its own system once more",
    timeoutMs,
  }).catch((error: unknown) => {
    if (error instanceof CommandFailedError && error.result.timedOut) return undefined;
    throw error;
  });
  if (section === undefined) return { kind: "endless" };
  const [, output = "", exitCode] = /^([^]*)\nexit code (\d+)\n/.exec(section("activation")) ?? [];
  if (exitCode === undefined) return { kind: "impossible" };
  const before = invocations(section("unitsBefore"));
  const after = invocations(section("unitsAfter"));
  return {
    kind: "ended",
    exitCode: Number(exitCode),
    output,
    restarted: [...after]
      .filter(([name, id]) => before.has(name) && before.get(name) !== id)
      .map(([name]) => name),
    changed: differentLines(section("etcBefore"), section("etcAfter")),
  };
}

const script = "/run/current-system/bin/switch-to-configuration";

/** Of services alone: a oneshot that ended is no more active, and that its target starts it again is what it asked for. */
const listUnits = "systemctl show --property=Id,ActiveState,InvocationID -- '*.service'";

/** Links by their targets, the rest by its content: activation may copy a file anew. */
const listEtc = `find /etc -xdev \\( -type l -printf '%p -> %l\\n' \\) -o -printf '%p %y %m %U:%G\\n' | sort
find /etc -xdev -type f -exec sha256sum {} + | sort`;

const questions: Questions = {
  unitsBefore: listUnits,
  etcBefore: listEtc,
  activation: `if [ -x ${script} ]; then
  status=0
  ${script} test 2>&1 < /dev/null || status=$?
  printf '\\nexit code %s\\n' "$status"
fi`,
  unitsAfter: listUnits,
  etcAfter: listEtc,
};

function invocations(text: string): Map<string, string> {
  return new Map(
    text.split(/\n\s*\n/).flatMap((block) => {
      const value = (name: string): string =>
        new RegExp(`^${name}=(.*)$`, "m").exec(block)?.[1] ?? "";
      return value("ActiveState") === "active" ? [[value("Id"), value("InvocationID")]] : [];
    }),
  );
}

function differentLines(before: string, after: string): string[] {
  const [old, recent] = [new Set(before.split("\n")), new Set(after.split("\n"))];
  return [
    ...[...old].filter((line) => !recent.has(line)).map((line) => `- ${line}`),
    ...[...recent].filter((line) => !old.has(line)).map((line) => `+ ${line}`),
  ];
}

export function activationCheck(manifest: Manifest): Check {
  return {
    name: "second-activation",
    subject: "second activation",
    source: "system.build.toplevel",
    judge: ({ activation }) => judgeActivation(manifest, activation),
  };
}

function judgeActivation(manifest: Manifest, activation: Activation | undefined): Judgement {
  if (activation === undefined) return failed("was not made");
  if (activation.kind === "endless") return failed("did not end in time");
  if (activation.kind === "impossible") {
    return { status: "skipped", detail: "was not made: the system has no switch-to-configuration" };
  }
  const { exitCode, output, restarted, changed } = activation;
  const lines = output.split("\n").filter((line) => line.trim() !== "");
  const acted = actions(manifest, lines);
  const differences = [
    ...(exitCode === 0 ? [] : [`ended with exit code ${exitCode}`]),
    ...acted.map((line) => `was not idle: ${line}`),
    ...(restarted.length > 0 && acted.length === 0
      ? [`started anew: ${restarted.join(", ")}`]
      : []),
    ...(changed.length > 0 ? [`changed ${count(changed.length, "line")} of /etc`] : []),
  ];
  if (differences.length === 0) return passed("changes nothing");
  return {
    ...failed(differences.join("; ")),
    evidence: [...changed.slice(0, 20), ...lines.slice(-20)],
  };
}

/** What switch-to-configuration says that it did to units which should have been as they were. */
function actions(manifest: Manifest, lines: readonly string[]): string[] {
  const lasting = new Set(lastingUnits(manifest));
  return lines.flatMap((line) => {
    if (/^(?:stopping|starting|restarting|reloading) the following units: /.test(line))
      return [line];
    const [, started] = /^the following new units were started: (.*)$/.exec(line) ?? [];
    const units = started?.split(", ").filter((name) => lasting.has(name)) ?? [];
    return units.length > 0 ? [`starting ${units.join(", ")}`] : [];
  });
}

/** Those that the boot should have started: not what runs on demand, or at every activation, or to its end. */
function lastingUnits({ units }: Manifest): string[] {
  return enabledUnits(units)
    .filter((unit) => unit.type !== "oneshot" || unit.remainAfterExit)
    .filter((unit) => wanters(unit).some((name) => name !== "sysinit-reactivation.target"))
    .map(({ name }) => name);
}

function count(number: number, what: string): string {
  return `${number} ${what}${number === 1 ? "" : "s"}`;
}
