import type { Deadline } from "../deadline.ts";
import type { CommandRunner } from "../machine/runner.ts";
import { activateAgain } from "./activation.ts";
import type { Check, CheckName, CheckResult } from "./check.ts";
import { addEvidence } from "./evidence.ts";
import { takeFacts } from "./facts.ts";
import type { Look } from "./look.ts";
import { planChecks, type PlanOptions } from "./plan.ts";
import { settle } from "./settle.ts";
import { applyWaivers, type Waiver } from "./waivers.ts";

export type { Budgets } from "./boot-checks.ts";
export {
  allHeld,
  checkNames,
  type Check,
  type CheckName,
  type CheckResult,
  type CheckStatus,
} from "./check.ts";
export {
  changedLines,
  explainDifference,
  type ExplainedDifference,
  type ExplainedGroup,
} from "./difference.ts";
export { planChecks, type PlanOptions } from "./plan.ts";
export { findWaiver, hasExpired, waiversOf, type Waiver, type Waivers } from "./waivers.ts";

export interface CheckOptions extends PlanOptions {
  /** Until then units may still be starting. */
  readonly deadline: Deadline;
  readonly signal?: AbortSignal | undefined;
  /** Called with what is being waited for, or done. */
  readonly onProgress?: ((waitingFor: string) => void) | undefined;
  readonly waivers?: readonly Waiver[];
  /** Of the closure that is deployed, where it has a budget. */
  readonly closureBytes?: number;
}

/** Waits until the guest's boot has settled, then makes every check that its configuration implies. */
export async function runChecks(
  guest: CommandRunner,
  options: CheckOptions,
): Promise<CheckResult[]> {
  const { onProgress, waivers = [] } = options;
  const plan = planChecks(options);
  const look = await lookAt(guest, plan, options);
  const [activating, watching] = [
    plan.filter(isActivation),
    plan.filter((check) => !isActivation(check)),
  ];
  const seen = await addEvidence(
    guest,
    watching.flatMap((check) => perform(check, look)),
  );
  if (activating.length === 0) return applyWaivers(seen, waivers);
  // Last, since it mends much of what was seen.
  onProgress?.("activating once more");
  const after = { ...look, activation: await activateAgain(guest) };
  return applyWaivers([...seen, ...activating.flatMap((check) => perform(check, after))], waivers);
}

function isActivation({ name }: Check): boolean {
  return name === "second-activation";
}

async function lookAt(
  guest: CommandRunner,
  plan: readonly Check[],
  { manifest, onProgress, closureBytes, ...options }: CheckOptions,
): Promise<Look> {
  const snapshot = await settle(guest, manifest, {
    ...options,
    onProgress: (what) => onProgress?.(`waiting for ${what}`),
  });
  onProgress?.("looking");
  const wants = (name: CheckName): boolean => plan.some((check) => check.name === name);
  return {
    snapshot,
    facts: await takeFacts(guest, { manifest, wants }),
    timeoutScale: guest.timeoutScale,
    ...(closureBytes === undefined ? {} : { closureBytes }),
  };
}

function perform(check: Check, look: Look): CheckResult[] {
  const { name, subject, source, file, builtIn, judge } = check;
  const common = {
    name,
    subject,
    source,
    ...(file === undefined ? {} : { file }),
    ...(builtIn === undefined ? {} : { builtIn }),
  };
  const judged = judge(look);
  return isFindings(judged)
    ? judged.map((finding) => ({ ...common, ...finding }))
    : [{ ...common, ...judged }];
}

function isFindings<T>(value: T | readonly T[]): value is readonly T[] {
  return Array.isArray(value);
}
