import { accountChecks } from "./account-checks.ts";
import { activationCheck } from "./activation.ts";
import { bootChecks, type BootExpectation } from "./boot-checks.ts";
import { certificateChecks } from "./certificate-checks.ts";
import type { Check, CheckName } from "./check.ts";
import { etcChecks } from "./etc-checks.ts";
import { failureChecks } from "./failure-checks.ts";
import { fileSystemChecks } from "./file-system-checks.ts";
import { journalCheck } from "./journal.ts";
import { kernelChecks } from "./kernel-checks.ts";
import { portChecks } from "./port-checks.ts";
import { socketChecks } from "./socket-checks.ts";
import { timerChecks } from "./timer-checks.ts";
import { unitChecks } from "./unit-checks.ts";
import { virtualHostChecks } from "./virtual-host-checks.ts";

export interface PlanOptions extends BootExpectation {
  /** Checks that are switched off. */
  readonly off?: readonly CheckName[];
}

/** Every check that a configuration implies, in the order in which they are shown. No guest is needed for it. */
export function planChecks(options: PlanOptions): Check[] {
  const { manifest, off = [] } = options;
  const isOn = ({ name }: Check): boolean => !off.includes(name);
  const units = [
    ...unitChecks(manifest),
    ...timerChecks(manifest),
    ...socketChecks(manifest),
  ].filter(isOn);
  return [
    ...bootChecks(options),
    ...failureChecks(new Set(units.map(({ subject }) => subject))),
    ...units,
    ...portChecks(manifest),
    ...virtualHostChecks(manifest),
    ...certificateChecks(manifest),
    ...fileSystemChecks(manifest),
    ...accountChecks(manifest),
    ...etcChecks(manifest),
    ...kernelChecks(manifest),
    journalCheck(manifest),
    activationCheck(manifest),
  ].filter(isOn);
}
