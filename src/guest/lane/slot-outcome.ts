import type { CommandOutcome } from "../channel.ts";
import { signalName } from "../signal-name.ts";
import type { SlotResult } from "./slot.ts";

/** What a worker reports, as every way to a guest gives it. */
export function outcomeOf(
  { trailer, stdout, stderr, truncated }: SlotResult,
  durationMs: number,
): CommandOutcome {
  const signalled = trailer.how === "s" || trailer.how === "S";
  return {
    exitCode: signalled ? undefined : trailer.status,
    ...(signalled ? { signal: signalName(trailer.status - 128) } : {}),
    stdout,
    stderr,
    truncated,
    timedOut: trailer.how === "E" || trailer.how === "S",
    durationMs,
  };
}
