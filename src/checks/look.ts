import type { Activation } from "./activation.ts";
import type { Facts } from "./facts.ts";
import type { Snapshot } from "./snapshot.ts";

/** Everything that the checks judge. */
export interface Look {
  readonly snapshot: Snapshot;
  readonly facts: Facts;
  /** Once it was made. */
  readonly activation?: Activation;
  /** Of the system that is deployed; where there is a budget for it. */
  readonly closureBytes?: number;
  /** By how much the guest is slower than one under KVM. */
  readonly timeoutScale: number;
}
