import { Deadline, formatMs } from "../deadline.ts";
import type { CommandInput } from "./channel.ts";
import type { Conversation } from "./serial-link.ts";
import { takePatience, type SerialPace } from "./serial-patience.ts";

/** A command up to here goes in one line; a longer one, and input, in parts that are acknowledged. */
export const partLength = 2400;
// So many of them may be on their way: the guest's terminal holds 4 KiB and its driver 64 KiB before
// bytes are dropped.
const partsAhead = 3;
// A serial port takes in 7 kB/s under TCG.
const slowestCharactersPerMs = 5;

/** Sends a command's input as fast as the guest takes it; gives the number of its parts. */
export async function sendInput(
  conversation: Conversation,
  input: CommandInput | undefined,
  pace: SerialPace,
): Promise<number> {
  return input === undefined ? 0 : sendParts(conversation, "I", inputParts(input), pace);
}

/**
 * Sends parts that the guest acknowledges: `P` of the command's text, `I` of its input. Parts of the
 * same kind may be sent again from the first on; the guest says which it has.
 * @throws GuestLostError when it takes no more of them
 */
export async function sendParts(
  conversation: Conversation,
  verb: "P" | "I",
  parts: AsyncIterable<string>,
  pace: SerialPace,
): Promise<number> {
  const source = parts[Symbol.asyncIterator]();
  const patience = takePatience(pace);
  /** Parts on their way, behind those that were taken. */
  const ahead: string[] = [];
  let taken = 0;
  let isEnded = false;
  let isFirstTry = true;
  const pull = async (): Promise<void> => {
    const { done, value } = await conversation.during(source.next());
    // The source may have taken its time.
    patience.progress();
    if (done === true) isEnded = true;
    else ahead.push(value);
  };
  try {
    for (let sent = 0; ;) {
      while (!isEnded && ahead.length < partsAhead) await pull();
      if (ahead.length === 0) return taken;
      for (; sent < taken + ahead.length; sent += 1) {
        conversation.send(verb, sent, ahead[sent - taken] ?? "");
      }
      const onTheWayMs = ahead.join("").length / slowestCharactersPerMs;
      const wait = Deadline.after(patience.next().remainingMs + onTheWayMs);
      const now = await acknowledged(conversation, verb, { taken, isFirstTry, deadline: wait });
      if (now === "started") return taken + ahead.length;
      if (now !== undefined) {
        for (; taken < now && !(isEnded && ahead.length === 0); taken += 1) {
          if (ahead.length === 0) await pull();
          ahead.shift();
        }
        sent = Math.max(sent, taken);
        isFirstTry = true;
        patience.progress();
      } else if (patience.isOver) {
        const stall = formatMs(pace.stallMs);
        throw conversation.lost(`the guest has taken nothing of a command for ${stall}`);
      } else {
        sent = taken;
        isFirstTry = false;
      }
    }
  } finally {
    // A source that never gives another piece cannot be waited for.
    if (!isEnded) void source.return?.().catch(() => {});
  }
}

interface Awaited {
  /** So many parts it has already. */
  readonly taken: number;
  /** No part was sent twice: what the guest says of an earlier one means that a part was lost. */
  readonly isFirstTry: boolean;
  readonly deadline: Deadline;
}

/** How many parts the guest has, when these are more than before. */
async function acknowledged(
  conversation: Conversation,
  verb: "P" | "I",
  { taken, isFirstTry, deadline }: Awaited,
): Promise<number | "started" | undefined> {
  for (;;) {
    const frame = await conversation.next(deadline);
    // It runs: an earlier start came through after all.
    if (frame?.verb === "A") return "started";
    const [, kind, next] = (frame?.verb === "a" && /^([PI])(\d{1,9})$/.exec(frame.rest)) || [];
    const has = kind === verb ? Number(next) : 0;
    if (has > taken) return has;
    if (deadline.expired || (kind === verb && isFirstTry)) return undefined;
  }
}

/** An input in parts of base64, each of which can be decoded by itself. */
async function* inputParts(input: CommandInput): AsyncGenerator<string> {
  const partBytes = (partLength / 4) * 3;
  const pieces = typeof input === "string" || input instanceof Uint8Array ? [input] : input;
  let rest: Buffer = Buffer.alloc(0);
  for await (const piece of pieces) {
    const bytes = Buffer.from(piece);
    rest = rest.length === 0 ? bytes : Buffer.concat([rest, bytes]);
    let from = 0;
    for (; rest.length - from >= partBytes; from += partBytes) {
      yield rest.toString("base64", from, from + partBytes);
    }
    rest = rest.subarray(from);
  }
  if (rest.length > 0) yield rest.toString("base64");
}
