import * as v from "valibot";
import { checkNames, type CheckName, type Waiver } from "../checks/index.ts";
import { nearestNames } from "../nearest.ts";

/** What the configuration file says about checks, for all machines or for one. */
export interface CheckSettings {
  /** Checks that are not made at all. */
  readonly off?: readonly CheckName[];
  /** Failures that are borne with until a day. */
  readonly waive?: readonly Waiver[];
  /** Seconds that a boot may take by the guest's own clock under KVM; four times as many under TCG. */
  readonly bootSeconds?: number;
  /** MiB that the closure of the system may have. */
  readonly closureMiB?: number;
}

const isCheckName = (value: string): value is CheckName => Object.hasOwn(checkNames, value);

const checkName: v.GenericSchema<unknown, CheckName> = v.pipe(
  v.string("the name of a check"),
  v.guard(isCheckName, ({ input }) => {
    const near = nearestNames(String(input), Object.keys(checkNames));
    return near.length > 0
      ? `the name of a check (did you mean ${near.map((name) => `"${name}"`).join(" or ")}?)`
      : "the name of a check (dryboot checks lists them)";
  }),
);

const positive = v.pipe(v.number("a number"), v.minValue(0, "at least 0"));

const day = v.pipe(
  v.string("a day such as 2027-01-31"),
  v.check((text) => /^\d{4}-\d\d-\d\d$/.test(text) && isDay(text), "a day such as 2027-01-31"),
);

/** The thirtieth of February is none. */
function isDay(text: string): boolean {
  const date = new Date(`${text}T00:00:00Z`);
  return !Number.isNaN(date.getTime()) && date.toISOString().startsWith(text);
}

export const checkSettings: v.GenericSchema<unknown, CheckSettings> = v.strictObject(
  {
    off: v.exactOptional(v.array(checkName, "a list")),
    waive: v.exactOptional(
      v.array(
        v.strictObject(
          {
            check: checkName,
            subject: v.exactOptional(v.string("a string")),
            reason: v.pipe(v.string("a sentence"), v.nonEmpty("a sentence")),
            until: day,
          },
          (issue) =>
            issue.path === undefined
              ? "an object with check, reason and until"
              : "given: a waiver has check, reason and until",
        ),
        "a list",
      ),
    ),
    bootSeconds: v.exactOptional(positive),
    closureMiB: v.exactOptional(positive),
  },
  "an object",
);
