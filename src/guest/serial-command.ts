import { Deadline } from "../deadline.ts";
import { wholeInput, type CommandRequest } from "./channel.ts";
import { composeForLane } from "./lane/plain-command.ts";
import type { Conversation } from "./serial-link.ts";
import { Collector, parseReport, type Report } from "./serial-result.ts";

/** When what was not answered is said again, and when a command that does not end is ended. */
export interface SerialPace {
  /** A command that has not answered is asked for after so long, then ever more seldom. @default 400 */
  readonly pollMs: number;
  /** Between TERM and KILL, and between KILL and giving up, after a command's timeout. @default 2000 */
  readonly graceMs: number;
}

/** A command as it is sent: text and input in the form that passes through a terminal. */
export interface SerialCommand {
  readonly text: string;
  readonly input: string;
  readonly maxOutputBytes: number;
  readonly timeoutMs: number;
}

const defaultMaxOutputBytes = 1024 * 1024;
// A command up to here goes in one line; a longer one, and input, in parts that are acknowledged.
const partLength = 2400;
// So many of them may be on their way: the guest's terminal holds 4 KiB and its driver 64 KiB before
// bytes are dropped.
const partsAhead = 3;
// The longest wait is so many times doubled.
const doublings = 4;
const maxRequests = 200;

/** @throws UsageError when a part holds what no shell can take */
export async function serialCommand(request: CommandRequest): Promise<SerialCommand> {
  const { stdin, timeoutMs = Infinity, maxOutputBytes = defaultMaxOutputBytes } = request;
  const text = encodeText(composeForLane(request));
  const input = stdin === undefined ? "" : Buffer.from(await wholeInput(stdin)).toString("base64");
  return {
    text,
    input,
    maxOutputBytes,
    timeoutMs,
  };
}

/** Sends the whole command; it may be sent again, the guest starts it once. */
export async function submit(
  conversation: Conversation,
  { text, input, maxOutputBytes }: SerialCommand,
  { pollMs }: SerialPace,
): Promise<void> {
  const inputs = chunks(input);
  const parts = text.length <= partLength ? [] : chunks(text);
  for (const [verb, pieces] of [
    ["P", parts],
    ["I", inputs],
  ] as const) {
    await sendParts(conversation, verb, pieces, pollMs);
  }
  const whole = parts.length === 0 ? [text] : [];
  conversation.send("C", maxOutputBytes, parts.length, inputs.length, ...whole);
}

async function sendParts(
  conversation: Conversation,
  verb: "P" | "I",
  parts: readonly string[],
  pollMs: number,
): Promise<void> {
  const send = (from: number, to: number): void => {
    for (const [offset, part] of parts.slice(from, to).entries()) {
      conversation.send(verb, from + offset, part);
    }
  };
  // Whether so few came is seen when the command starts.
  if (parts.length <= partsAhead) return send(0, parts.length);
  const patience = growing(pollMs * 4);
  let acknowledged = 0;
  let sent = 0;
  let deadline = Deadline.after(patience.next());
  while (acknowledged < parts.length) {
    send(sent, acknowledged + partsAhead);
    sent = acknowledged + partsAhead;
    const frame = await conversation.next(deadline);
    // It runs: an earlier start came through after all.
    if (frame?.verb === "A") return;
    const [, kind, next] = (frame?.verb === "a" && /^([PI])(\d{1,9})$/.exec(frame.rest)) || [];
    if (kind === verb && Number(next) !== acknowledged) {
      acknowledged = Number(next);
      patience.reset();
    } else if (!deadline.expired) continue;
    // What came behind a part that was lost was not taken.
    else sent = acknowledged;
    deadline = Deadline.after(patience.next());
  }
}

/** Waits for the result, asks when nothing comes, and ends the command at its timeout. */
export async function awaitReport(
  conversation: Conversation,
  collector: Collector,
  { command, pace, submitAgain }: ReportOptions,
): Promise<Report | undefined> {
  const endings = endingsOf(command.timeoutMs, pace.graceMs);
  const poll = growing(pace.pollMs);
  let askAtMs = performance.now() + poll.next();
  for (;;) {
    const ending = endings[0];
    const untilMs = Math.min(askAtMs, ending?.atMs ?? Infinity);
    const frame = await conversation.next(Deadline.after(Math.max(0, untilMs - performance.now())));
    if (frame?.verb === "U") await submitAgain();
    else if (frame?.verb === "L") collector.line(frame.rest);
    else if (frame?.verb === "D") {
      const report = parseReport(frame.rest);
      if (report !== undefined) return report;
    } else if (ending !== undefined && performance.now() >= ending.atMs) {
      endings.shift();
      if (ending.verb === undefined) return undefined;
      conversation.send(ending.verb);
      poll.reset();
      askAtMs = performance.now() + poll.next();
    } else if (performance.now() >= askAtMs) {
      conversation.send("S");
      askAtMs = performance.now() + poll.next();
    }
  }
}

export interface ReportOptions {
  readonly command: SerialCommand;
  readonly pace: SerialPace;
  readonly submitAgain: () => Promise<void>;
}

/** Asks again for lines of output that were torn, until all are there. */
export async function complete(
  conversation: Conversation,
  collector: Collector,
  report: Report,
  { pollMs }: SerialPace,
): Promise<void> {
  const patience = growing(pollMs);
  for (let attempt = 0; ; attempt += 1) {
    const missing = collector.missing(report);
    if (missing === undefined) return;
    if (attempt === maxRequests) throw conversation.lost("the guest's console tears every line");
    conversation.send("R", missing.stream, missing.start, missing.count);
    // Until the last of them, or until nothing comes any more.
    let last = -1;
    while (last !== missing.start + missing.count - 1) {
      const frame = await conversation.next(Deadline.after(patience.next()));
      if (frame === undefined) break;
      patience.reset();
      if (frame.verb === "L") last = collector.line(frame.rest) ?? last;
    }
  }
}

/** A wait that doubles each time, so that a slow guest is not buried under repetitions. */
function growing(firstMs: number): { next(): number; reset(): void } {
  let times = 0;
  return {
    next: () => firstMs * 2 ** Math.min(times++, doublings),
    reset: () => {
      times = 0;
    },
  };
}

interface Ending {
  readonly atMs: number;
  /** Missing: give up. */
  readonly verb: "K" | "X" | undefined;
}

function endingsOf(timeoutMs: number, graceMs: number): Ending[] {
  if (timeoutMs === Infinity) return [];
  const atMs = performance.now() + timeoutMs;
  return [
    { atMs, verb: "K" },
    { atMs: atMs + graceMs, verb: "X" },
    { atMs: atMs + graceMs * 2 + 1000, verb: undefined },
  ];
}

/** Text as one word of printable characters, for `printf %b` to read. */
function encodeText(text: string): string {
  return Buffer.from(text)
    .toString("latin1")
    .replace(
      /[^A-Za-z0-9_./=,:;@+'"$(){}<>&|^#!-]/g,
      (character) => `%${character.charCodeAt(0).toString(16).padStart(2, "0")}`,
    );
}

function chunks(text: string): string[] {
  return text.match(new RegExp(`.{1,${partLength}}`, "gs")) ?? [];
}
