/** What systemd says about one unit at one moment. */
export interface UnitState {
  readonly name: string;
  readonly description: string;
  readonly loadState: string;
  readonly activeState: string;
  readonly subState: string;
  /** `success`, or in which way it failed: `exit-code`, `timeout`, `oom-kill` … */
  readonly result: string;
  readonly unitFileState: string;
  /** A service's `Type=`; empty for other units. */
  readonly type: string;
  /** How often systemd has started it again on its own. */
  readonly restarts: number;
  /** The main process's exit code or signal number. */
  readonly mainStatus: number | undefined;
  /** A oneshot unit without RemainAfterExit: inactive is where it ends when all went well. */
  readonly endsInactive: boolean;
  /** Its main process has run to its end in this boot. */
  readonly hasRun: boolean;
  readonly conditionsMet: boolean;
  readonly jobPending: boolean;
  readonly activeForMs: number | undefined;
  /** For how long it has been as it is now. */
  readonly inStateForMs: number | undefined;
}

/** The properties that {@link unitState} reads. */
export const unitProperties = [
  "Id",
  "Description",
  "LoadState",
  "ActiveState",
  "SubState",
  "Result",
  "UnitFileState",
  "NRestarts",
  "ExecMainStatus",
  "ExecMainExitTimestampMonotonic",
  "ActiveEnterTimestampMonotonic",
  "InactiveEnterTimestampMonotonic",
  "StateChangeTimestampMonotonic",
  "ConditionResult",
  "ConditionTimestampMonotonic",
  "Type",
  "RemainAfterExit",
  "Job",
] as const;

/** `uptimeMs` is the guest's clock, since systemd's time stamps are. */
export function unitState(properties: ReadonlyMap<string, string>, uptimeMs: number): UnitState {
  const text = (name: (typeof unitProperties)[number]): string => properties.get(name) ?? "";
  const count = (name: (typeof unitProperties)[number]): number => Number(text(name)) || 0;
  const sinceMs = (name: (typeof unitProperties)[number]): number | undefined =>
    count(name) > 0 ? Math.max(0, uptimeMs - count(name) / 1000) : undefined;
  return {
    name: text("Id"),
    description: text("Description"),
    loadState: text("LoadState"),
    activeState: text("ActiveState"),
    subState: text("SubState"),
    result: text("Result") || "success",
    unitFileState: text("UnitFileState"),
    type: text("Type"),
    restarts: count("NRestarts"),
    mainStatus: properties.has("ExecMainStatus") ? count("ExecMainStatus") : undefined,
    endsInactive: text("Type") === "oneshot" && text("RemainAfterExit") === "no",
    hasRun: count("ExecMainExitTimestampMonotonic") > 0,
    conditionsMet: text("ConditionResult") !== "no" || count("ConditionTimestampMonotonic") === 0,
    jobPending: count("Job") > 0,
    activeForMs: sinceMs("ActiveEnterTimestampMonotonic"),
    inStateForMs: sinceMs("StateChangeTimestampMonotonic"),
  };
}

/** What waiting for a unit can still come to. */
export type Prospect =
  | { readonly kind: "active" }
  | { readonly kind: "waiting"; readonly why: string }
  | { readonly kind: "hopeless"; readonly why: string };

/** So often may a unit fall over (until what it needs is there, say) before it counts as a loop. */
const toleratedRestarts = 3;
/** So long must a unit that fell over before stay up to count as active. */
const steadyMs = 3000;
/** systemd calls a simple service active before its program has been started; one that cannot run shows it by then. */
const provenMs = 500;

/** Whether the unit is active, may become active, or cannot: nothing in it depends on when one looks. */
export function judge(unit: UnitState): Prospect {
  const waiting = (why: string): Prospect => ({ kind: "waiting", why });
  const hopeless = (why: string): Prospect => ({ kind: "hopeless", why });

  if (unit.loadState === "not-found") return hopeless("does not exist");
  if (unit.loadState === "masked") return hopeless("is masked");
  if (/^(?:error|bad-setting)$/.test(unit.loadState)) {
    return hopeless(`has a unit file that systemd cannot load (${unit.loadState})`);
  }
  if (unit.activeState === "failed") return hopeless(`has failed (${describeFailure(unit)})`);

  const between = unit.subState.startsWith("auto-restart");
  if (unit.restarts >= toleratedRestarts && (between || !isSteady(unit))) {
    const failure = describeFailure(unit) || "it ends each time";
    return hopeless(`restarts for ever (${unit.restarts} times so far; ${failure})`);
  }
  if (between) return waiting(`is to be restarted (${describeFailure(unit)})`);

  if (unit.activeState === "active" || unit.activeState === "reloading") {
    if (unit.restarts > 0 && !isSteady(unit)) {
      return waiting(`is active, but only since its restart number ${unit.restarts}`);
    }
    const unproven =
      /^(?:simple|idle)$/.test(unit.type) && (unit.activeForMs ?? provenMs) < provenMs;
    return unproven ? waiting("is active, but has only just been started") : { kind: "active" };
  }
  if (unit.activeState === "inactive" && !unit.jobPending) {
    if (unit.endsInactive && unit.hasRun && unit.result === "success") return { kind: "active" };
    if (!unit.conditionsMet) return hopeless("was skipped: a condition of it was not met");
  }
  return waiting(`is ${unit.activeState} (${unit.subState})`);
}

function isSteady(unit: UnitState): boolean {
  return unit.activeState === "active" && (unit.activeForMs ?? 0) >= steadyMs;
}

/** `exit-code, status 7`: systemd's result and the main process's status. */
export function describeFailure(unit: UnitState): string {
  const result = unit.result === "success" ? [] : [unit.result];
  return [...result, ...(unit.mainStatus ? [`status ${unit.mainStatus}`] : [])].join(", ");
}
