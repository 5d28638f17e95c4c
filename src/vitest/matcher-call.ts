// What a matcher was called with. Tests are run without the compiler's checks, so what it would refuse is refused here.
import { UsageError } from "../errors.ts";
import { nearestNames } from "../nearest.ts";
import type { MatcherOptions } from "./guest-matchers.ts";

/** What a matcher takes. */
export interface Signature {
  readonly name: string;
  /** The first argument is what is expected, and the options come after it; else they are all there is. */
  readonly takesExpected: boolean;
  /** The properties that what is expected may have, where it is an object; else of the options beside `timeoutMs`. */
  readonly properties: readonly string[];
}

export interface MatcherCall {
  readonly expected: unknown;
  readonly options: MatcherOptions;
}

/** @throws UsageError */
export function readCall(
  { name, takesExpected, properties }: Signature,
  given: readonly unknown[],
): MatcherCall {
  const [expected, options = {}] = takesExpected ? given : [undefined, ...given];
  if (takesExpected && expected === undefined) {
    throw new UsageError(`${name} has not been told what to expect`);
  }
  if (takesExpected && properties.length > 0) {
    refuseUnknown(expected, properties, `the expectation of ${name}`);
  }
  const known = ["timeoutMs", ...(takesExpected ? [] : properties)];
  refuseUnknown(options, known, name);
  const { timeoutMs } = options as MatcherOptions;
  if (timeoutMs !== undefined && !(typeof timeoutMs === "number" && timeoutMs >= 0)) {
    throw new UsageError(
      `timeoutMs of ${name} is a number of milliseconds, not ${JSON.stringify(timeoutMs)}`,
    );
  }
  return { expected: takesExpected ? expected : options, options: options as MatcherOptions };
}

function refuseUnknown(value: unknown, known: readonly string[], whose: string): void {
  if (typeof value !== "object" || value === null) {
    const example = `{ ${known.map((property) => `${property}: …`).join(", ")} }`;
    throw new UsageError(`${whose} takes ${example}, not ${JSON.stringify(value)}`);
  }
  for (const property of Object.keys(value)) {
    if (known.includes(property)) continue;
    const near = nearestNames(property, known);
    const hint = near.length > 0 ? `did you mean ${near[0]}?` : `it has ${known.join(", ")}`;
    throw new UsageError(`${whose} has no ${property}; ${hint}`);
  }
}
