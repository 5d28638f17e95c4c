import type { Claim } from "./guest-claims.ts";

/** What is shared out among guests. */
export interface Capacity {
  readonly memoryMiB: number;
  readonly cores: number;
}

/** Whether a claim that waits may have its guest now; every process comes to the same answer from the same claims. */
export function isAdmitted(
  claim: Claim,
  claims: readonly Claim[],
  { memoryMiB, cores, freeMemoryMiB = Infinity }: Capacity & { readonly freeMemoryMiB?: number },
): boolean {
  const others = claims.filter(({ id }) => id !== claim.id);
  const before = others.filter((other) => other.held || isEarlier(other, claim));
  if (before.length === 0) return true;
  const blocked = blockedHolders(claims);
  const busy = before.filter(({ held, holder }) => !(held && blocked.has(holder)));
  if (
    sum(busy, "cores") + claim.cores <= cores &&
    sum(before, "memoryMiB") + claim.memoryMiB <= memoryMiB &&
    claim.memoryMiB <= freeMemoryMiB
  )
    return true;
  return breaksDeadlock(claim, others, blocked);
}

/** Who waits for one more guest: nobody uses those that are there meanwhile, and they take memory alone. */
function blockedHolders(claims: readonly Claim[]): ReadonlySet<string> {
  return new Set(claims.filter(({ held }) => !held).flatMap(({ blocks }) => blocks));
}

function sum(claims: readonly Claim[], of: "memoryMiB" | "cores"): number {
  return claims.reduce((total, claim) => total + claim[of], 0);
}

/**
 * Whether every guest that runs is kept by somebody who waits for another one, so that none would ever end and give its
 * memory back: then the first who waits gets one over the budget.
 */
function breaksDeadlock(
  claim: Claim,
  others: readonly Claim[],
  blocked: ReadonlySet<string>,
): boolean {
  const waiting = [...others.filter((other) => !other.held), claim];
  const running = others.filter((other) => other.held);
  if (running.some(({ holder }) => !blocked.has(holder))) return false;
  const extending = waiting.filter(({ blocks }) =>
    running.some(({ holder }) => blocks.includes(holder)),
  );
  return extending.includes(claim) && !extending.some((other) => isEarlier(other, claim));
}

function isEarlier(left: Claim, right: Claim): boolean {
  return left.number === right.number ? left.id < right.id : left.number < right.number;
}
