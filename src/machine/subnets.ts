import { UsageError } from "../errors.ts";

/** What a network has for itself in this process. */
export interface SubnetLease extends Disposable {
  /** The first three bytes of its addresses: `10.251.0`. */
  readonly prefix: string;
  /** No other network of this process has or had it. */
  readonly serial: number;
}

const mostSubnets = 256;
const used = new Set<number>();
let serial = 0;

/** The first subnet that no other network has: a machine may be on several. @throws UsageError where all are taken */
export function subnetLease(): SubnetLease {
  const number = Array.from({ length: mostSubnets }, (_, each) => each).find(
    (each) => !used.has(each),
  );
  if (number === undefined) {
    throw new UsageError(
      `there are ${mostSubnets} networks already: dispose of those that are over`,
    );
  }
  used.add(number);
  serial += 1;
  return {
    prefix: `10.251.${number}`,
    serial,
    [Symbol.dispose]: () => void used.delete(number),
  };
}
