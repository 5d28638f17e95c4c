import { constants } from "node:os";

/** `SIGTERM` for 15; Linux's numbers are the same in the guest and here. */
export function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `signal ${number}`;
}
