import type { GuestLostError } from "../errors.ts";

/** What a guest was lost by first: whatever comes later only follows from it. */
export interface FirstFailure {
  readonly failure: GuestLostError | undefined;
  /** Does nothing from the second time on. */
  fail(failure: GuestLostError): void;
  /** Calls back at the failure, at once if it has been. Returns what ends it. */
  onFailure(listener: (failure: GuestLostError) => void): () => void;
}

export function holdFirstFailure(): FirstFailure {
  const listeners = new Set<(failure: GuestLostError) => void>();
  let first: GuestLostError | undefined;
  return {
    get failure() {
      return first;
    },
    fail(failure) {
      if (first !== undefined) return;
      first = failure;
      for (const listener of listeners) listener(failure);
    },
    onFailure(listener) {
      if (first !== undefined) listener(first);
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
  };
}
