import { constants } from "node:os";
import { InterruptedError } from "../errors.ts";

const watched = ["SIGINT", "SIGTERM", "SIGHUP"] as const;
/** A terminal and npm both pass on the same Ctrl-C. */
const sameInterruptMs = 1000;

export interface Interruption {
  readonly signal: AbortSignal;
  /** `128 + signal` once there was one. */
  readonly exitCode: () => number | undefined;
}

/** The first signal asks everything to clean up and end; a second one calls `force`. */
export function watchSignals(force: (exitCode: number) => void): Interruption {
  const controller = new AbortController();
  let first: { readonly exitCode: number; readonly atMs: number } | undefined;
  for (const name of watched) {
    process.on(name, () => {
      const exitCode = 128 + constants.signals[name];
      if (first === undefined) {
        first = { exitCode, atMs: performance.now() };
        controller.abort(new InterruptedError(`interrupted by ${name}`));
      } else if (performance.now() - first.atMs > sameInterruptMs) {
        force(exitCode);
      }
    });
  }
  return { signal: controller.signal, exitCode: () => first?.exitCode };
}
