import { Deadline, formatMs } from "../deadline.ts";
import type { Conversation } from "./serial-link.ts";
import { takePatience, type SerialPace } from "./serial-patience.ts";
import { sizeOf, type Collector, type Report } from "./serial-result.ts";

// A sixtieth of what a serial port gives out under TCG.
const slowestBytesPerMs = 1;

/**
 * Asks again for lines of output that were torn, until all are there.
 * @throws GuestLostError when no more of them come, or all of them not in many times what they need
 */
export async function complete(
  conversation: Conversation,
  collector: Collector,
  report: Report,
  pace: SerialPace,
): Promise<void> {
  const patience = takePatience(pace);
  const limit = Deadline.after(pace.stallMs + sizeOf(report) / slowestBytesPerMs);
  for (;;) {
    const missing = collector.missing(report);
    if (missing === undefined) return;
    if (patience.isOver || limit.expired) {
      const afterMs = patience.isOver ? pace.stallMs : limit.totalMs;
      throw conversation.lost(
        `a command's output did not come whole over the guest's console: ${formatMs(afterMs)} were not enough`,
      );
    }
    conversation.send("R", missing.stream, missing.start, missing.count);
    // Until the last of them, or until nothing comes any more.
    let last = -1;
    while (last !== missing.start + missing.count - 1) {
      const frame = await conversation.next(patience.next());
      if (frame === undefined) break;
      if (frame.verb !== "L") continue;
      const before = collector.newLines;
      last = collector.line(frame.rest) ?? last;
      if (collector.newLines > before) patience.progress();
    }
  }
}
