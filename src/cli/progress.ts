import { formatMs } from "../deadline.ts";
import { cleanLine, cut } from "../report/index.ts";
import { columnsOf, type OutputStream } from "./io.ts";

export interface ProgressEvent {
  readonly phase: string;
  readonly detail?: string;
}

/** What is going on, for whoever waits: a live block on a terminal, a line now and then elsewhere. */
export interface Progress extends Disposable {
  /** Something is going on for this subject (a machine's name). */
  update(subject: string, event: ProgressEvent): void;
  /** Nothing is going on for it any more. */
  done(subject: string): void;
  /** One line that stays. */
  note(line: string): void;
}

export interface ProgressOptions {
  readonly stream: OutputStream;
  readonly mode: "live" | "plain" | "silent";
  /** Plain lines for every detail, not only for every phase. */
  readonly verbose: boolean;
}

export function createProgress({ stream, mode, verbose }: ProgressOptions): Progress {
  if (mode === "silent") {
    return { update() {}, done() {}, note() {}, [Symbol.dispose]() {} };
  }
  return mode === "live" ? liveProgress(stream) : plainProgress(stream, verbose);
}

interface Activity extends ProgressEvent {
  readonly sinceMs: number;
}

/** The next state of a subject's activity; the time counts from the beginning of the phase. */
function advance(activity: Activity | undefined, event: ProgressEvent): Activity {
  const sinceMs = activity?.phase === event.phase ? activity.sinceMs : performance.now();
  const detail = event.detail ?? (activity?.phase === event.phase ? activity.detail : undefined);
  return { phase: event.phase, sinceMs, ...(detail === undefined ? {} : { detail }) };
}

const stillEveryMs = 30_000;

function plainProgress(stream: OutputStream, verbose: boolean): Progress {
  const activities = new Map<string, Activity>();
  const say = (line: string): void => void stream.write(`${cleanLine(line)}\n`);
  const timer = setInterval(() => {
    for (const [subject, { phase, sinceMs, detail }] of activities) {
      const elapsed = formatMs(performance.now() - sinceMs);
      say(`${subject}: ${phase}, for ${elapsed}${detail === undefined ? "" : `: ${detail}`}`);
    }
  }, stillEveryMs).unref();
  return {
    update(subject, event) {
      const before = activities.get(subject);
      activities.set(subject, advance(before, event));
      if (before?.phase !== event.phase) say(`${subject}: ${event.phase}`);
      if (verbose && event.detail !== undefined && event.detail !== before?.detail) {
        say(`${subject}: ${event.detail}`);
      }
    },
    done: (subject) => void activities.delete(subject),
    note: say,
    [Symbol.dispose]: () => clearInterval(timer),
  };
}

const redrawMs = 120;
const frames = ["⠋", "⠙", "⠹", "⠸", "⠼", "⠴", "⠦", "⠧", "⠇", "⠏"];

function liveProgress(stream: OutputStream): Progress {
  const activities = new Map<string, Activity>();
  let drawn = 0;
  let frame = 0;
  // One write a redraw, so that a line is never seen half drawn.
  const replace = (lines: readonly string[], lasting: boolean): void => {
    const back = drawn > 0 ? `\r\x1b[${drawn}A\x1b[J` : "";
    drawn = lasting ? 0 : lines.length;
    if (back !== "" || lines.length > 0)
      stream.write(back + lines.map((line) => `${line}\n`).join(""));
  };
  const draw = (): void => {
    const width = columnsOf(stream) - 1;
    const rows = Math.max(1, (stream.rows ?? 24) - 1);
    const spinner = frames[(frame += 1) % frames.length] ?? "";
    const lines = [...activities]
      .slice(0, rows)
      .map(([subject, { phase, sinceMs, detail = "" }]) =>
        cut(
          `${spinner} ${subject}: ${phase}  ${seconds(sinceMs)}  ${cleanLine(detail)}`.trimEnd(),
          width,
        ),
      );
    replace(lines, false);
  };
  const timer = setInterval(draw, redrawMs).unref();
  return {
    update: (subject, event) =>
      void activities.set(subject, advance(activities.get(subject), event)),
    done(subject) {
      activities.delete(subject);
      replace([], true);
      draw();
    },
    note(line) {
      replace([], true);
      stream.write(`${cleanLine(line)}\n`);
      draw();
    },
    [Symbol.dispose]() {
      clearInterval(timer);
      activities.clear();
      replace([], true);
    },
  };
}

function seconds(sinceMs: number): string {
  return `${Math.floor((performance.now() - sinceMs) / 1000)} s`;
}
