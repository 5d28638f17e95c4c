import { Deadline } from "../deadline.ts";
import type { CommandRequest } from "./channel.ts";
import { composeForAgent } from "./plain-command.ts";
import type { Conversation } from "./serial-link.ts";
import { partLength, sendParts } from "./serial-parts.ts";
import { takePatience, type SerialPace } from "./serial-patience.ts";
import { parseReport, type Collector, type Report } from "./serial-result.ts";

/** A command as it is sent: its text in the form that passes through a terminal. */
export interface SerialCommand {
  readonly text: string;
  readonly maxOutputBytes: number;
  readonly timeoutMs: number;
}

const defaultMaxOutputBytes = 1024 * 1024;

/** @throws UsageError when a part holds what no shell can take */
export function serialCommand(request: CommandRequest): SerialCommand {
  const { timeoutMs = Infinity, maxOutputBytes = defaultMaxOutputBytes } = request;
  return { text: encodeText(composeForAgent(request)), maxOutputBytes, timeoutMs };
}

/** Sends the whole command; it may be sent again, the guest starts it once. */
export async function submit(
  conversation: Conversation,
  { text, maxOutputBytes }: SerialCommand,
  inputs: number,
  pace: SerialPace,
): Promise<void> {
  const isShort = text.length <= partLength;
  const parts = isShort ? 0 : await sendParts(conversation, "P", textParts(text), pace);
  conversation.send("C", maxOutputBytes, parts, inputs, ...(isShort ? [text] : []));
}

export interface ReportOptions {
  readonly command: SerialCommand;
  readonly pace: SerialPace;
  readonly submitAgain: () => Promise<void>;
}

/** Waits for the result, asks when nothing comes, and ends the command at its timeout. */
export async function awaitReport(
  conversation: Conversation,
  collector: Collector,
  { command: { timeoutMs }, pace, submitAgain }: ReportOptions,
): Promise<Report | undefined> {
  const endings = timeoutMs === Infinity ? [] : endingsOf(Deadline.after(timeoutMs), pace);
  let isKilled = false;
  const patience = takePatience(pace);
  let ask = patience.next();
  for (;;) {
    const ending = endings[0];
    const frame = await conversation.next(ask.orAfter(ending?.due.remainingMs ?? Infinity));
    if (frame?.verb === "U") await submitAgain();
    else if (frame?.verb === "D") {
      const report = parseReport(frame.rest);
      if (report !== undefined) return report;
    } else if (frame?.verb === "L") {
      const before = collector.newLines;
      collector.line(frame.rest);
      // The command has ended, and what it wrote is on its way before its result.
      if (ending !== undefined && collector.newLines > before) {
        endings.splice(0, Infinity, givingUp(Deadline.after(0), pace));
      }
    } else if (ending?.due.expired === true) {
      endings.shift();
      if (ending.verb === undefined) return undefined;
      isKilled = ending.verb === "X";
      conversation.send(ending.verb);
      patience.progress();
      ask = patience.next();
    } else if (ask.expired) {
      // It may not have come through; a TERM is not said twice, as it may be at work.
      if (isKilled) conversation.send("X");
      conversation.send("S");
      ask = patience.next();
    }
  }
}

interface Ending {
  readonly due: Deadline;
  /** Missing: give up. */
  readonly verb: "K" | "X" | undefined;
}

function endingsOf(timeout: Deadline, pace: SerialPace): Ending[] {
  const kill = Deadline.after(timeout.remainingMs + pace.graceMs);
  return [{ due: timeout, verb: "K" }, { due: kill, verb: "X" }, givingUp(kill, pace)];
}

function givingUp(from: Deadline, { giveUpMs }: SerialPace): Ending {
  return { due: Deadline.after(from.remainingMs + giveUpMs), verb: undefined };
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

async function* textParts(text: string): AsyncGenerator<string> {
  for (let from = 0; from < text.length; from += partLength) {
    yield text.slice(from, from + partLength);
  }
}
