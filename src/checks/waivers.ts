import { UsageError } from "../errors.ts";
import { nearestNames } from "../nearest.ts";
import type { Check, CheckName, CheckResult } from "./check.ts";

/** A failure that is known and borne with for a while. */
export interface Waiver {
  readonly check: CheckName;
  /** Without it every subject of that check. */
  readonly subject?: string;
  readonly reason: string;
  /** The last day on which it counts, as `2027-01-31`. */
  readonly until: string;
}

/** Where a waiver stands. */
export interface Waivers {
  /** With the machine: each has to name something that is checked of it. */
  readonly own: readonly Waiver[];
  /** With all machines: each counts where it names something. */
  readonly everywhere: readonly Waiver[];
}

/**
 * The waivers that concern a machine.
 * @throws {UsageError} `CONFIG_INVALID` where one of its own names nothing that is checked
 */
export function waiversOf(
  machine: string,
  { own, everywhere }: Waivers,
  plan: readonly Check[],
): Waiver[] {
  const isOfPlan = (waiver: Waiver): boolean => plan.some((check) => covers(check, waiver));
  for (const waiver of own) if (!isOfPlan(waiver)) throw nothingToWaive(machine, waiver, plan);
  return [...own, ...everywhere.filter(isOfPlan)];
}

function nothingToWaive(
  machine: string,
  { check, subject }: Waiver,
  plan: readonly Check[],
): UsageError {
  const subjects = plan.filter(({ name }) => name === check).map((each) => each.subject);
  if (subject === undefined || subjects.length === 0) {
    return new UsageError(`a waiver is for ${check}, of which ${machine} has no check`, {
      code: "CONFIG_INVALID",
      hint: `dryboot checks ${machine} lists what is checked`,
    });
  }
  const near = nearestNames(subject, subjects).map((name) => `«${name}»`);
  const meant = near.length > 0 ? `; did you mean ${near.join(" or ")}?` : "";
  return new UsageError(
    `a waiver is for ${check} of «${subject}», which ${machine} has not${meant}`,
    {
      code: "CONFIG_INVALID",
      hint: `dryboot checks ${machine} lists what is checked`,
    },
  );
}

function covers({ name, subject: own, finds }: Check, { check, subject }: Waiver): boolean {
  return (
    name === check && (subject === undefined || own === subject || finds?.test(subject) === true)
  );
}

/** Takes what is waived off the failures; a waiver that has expired is a failure of its own. */
export function applyWaivers(
  results: readonly CheckResult[],
  waivers: readonly Waiver[],
  today: string = localDay(new Date()),
): CheckResult[] {
  const expired = waivers.filter((waiver) => hasExpired(waiver, today));
  const counting = waivers.filter((waiver) => !hasExpired(waiver, today));
  return [
    ...results.map((result) => {
      const waiver = findWaiver(counting, result);
      return waiver === undefined ? result : waived(result, waiver);
    }),
    ...expired.map(expiry),
  ];
}

/** Whether its last day is over. */
export function hasExpired({ until }: Waiver, today: string = localDay(new Date())): boolean {
  return until < today;
}

/** The first that is for a check, or for its result. */
export function findWaiver(
  waivers: readonly Waiver[],
  { name, subject: own }: Pick<CheckResult, "name" | "subject">,
): Waiver | undefined {
  return waivers.find(
    ({ check, subject }) => check === name && (subject === undefined || subject === own),
  );
}

function waived(result: CheckResult, { reason, until, subject }: Waiver): CheckResult {
  if (result.status === "failed" || result.status === "warning") {
    return {
      ...result,
      status: "waived",
      detail: `${result.detail}; waived until ${until}: ${reason}`,
    };
  }
  return result.status === "passed" && subject !== undefined
    ? { ...result, detail: `${result.detail} (its waiver is not needed any more)` }
    : result;
}

function expiry({ check, subject, reason, until }: Waiver): CheckResult {
  return {
    name: "waiver",
    subject: subject === undefined ? check : `${check} ${subject}`,
    source: "checks.waive",
    status: "failed",
    detail: `was waived until ${until}, which is over: ${reason}`,
  };
}

/** The day where the user is. */
function localDay(date: Date): string {
  const digits = (value: number): string => String(value).padStart(2, "0");
  return `${date.getFullYear()}-${digits(date.getMonth() + 1)}-${digits(date.getDate())}`;
}
