import { Deadline } from "../deadline.ts";

/** When what was not answered is said again, and when a command that does not end is ended. */
export interface SerialPace {
  /** A command that has not answered is asked for after so long, then ever more seldom. @default 400 */
  readonly pollMs: number;
  /** Between TERM and KILL after a command's timeout. @default 2000 */
  readonly graceMs: number;
  /** Between KILL and giving up: what is said may be lost, and be on its way for long. @default 3000 */
  readonly giveUpMs: number;
  /** Input or output of which nothing more gets through for so long fails its command. @default 60000 */
  readonly stallMs: number;
}

/** For how long to wait for the next of many answers. */
export interface Patience {
  next(): Deadline;
  /** Something was won. */
  progress(): void;
  /** Nothing was won for as long as may be. */
  readonly isOver: boolean;
}

// The longest wait is so many times doubled.
const doublings = 4;

/** Waits that double each time, so that a slow guest is not buried under repetitions. */
export function takePatience({
  pollMs,
  stallMs,
}: Pick<SerialPace, "pollMs" | "stallMs">): Patience {
  let times = 0;
  let stall = Deadline.after(stallMs);
  return {
    next: () => Deadline.after(pollMs * 2 ** Math.min(times++, doublings)),
    progress() {
      times = 0;
      stall = Deadline.after(stallMs);
    },
    get isOver() {
      // A host that was busy itself has not waited.
      return stall.expired && times > 1;
    },
  };
}
