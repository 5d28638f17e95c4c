import type { Console } from "../console/index.ts";
import { Deadline } from "../deadline.ts";
import type { GuestLostError } from "../errors.ts";
import type { CommandChannel, CommandOutcome, CommandRequest } from "./channel.ts";
import { composeCommand } from "./compose.ts";
import { SerialLink } from "./serial-link.ts";
import { Collector, parseReport, type Report } from "./serial-result.ts";

export interface SerialChannelOptions {
  /** For the start of the agent. */
  readonly deadline: Deadline;
  /** A guest that answers nothing for so long is lost. @default 120000 */
  readonly silenceMs?: number;
  /** Between TERM and KILL, and between KILL and giving up, after a command's timeout. @default 2000 */
  readonly graceMs?: number;
}

const defaultMaxOutputBytes = 1024 * 1024;
// A command line up to here goes in one line; longer ones, and input, in parts that are acknowledged
// each: nothing throttles the sender before the guest's serial driver drops bytes.
const partLength = 2400;
const pollMs = 400;

/**
 * Starts dryboot's agent in the root shell that waits at the console, and runs commands through it.
 * The shell is used up: after the channel has ended, the guest logs in anew.
 */
export async function openSerialChannel(
  console: Console,
  { deadline, silenceMs = 120_000, graceMs = 2000 }: SerialChannelOptions,
): Promise<CommandChannel> {
  const link = new SerialLink(console, { silenceMs });
  try {
    await link.start(deadline);
    return new SerialChannel(link, graceMs);
  } catch (error) {
    link.stop();
    throw error;
  }
}

class SerialChannel implements CommandChannel {
  readonly kind = "serial";
  readonly #link: SerialLink;
  readonly #graceMs: number;
  #queue: Promise<unknown> = Promise.resolve();
  #nextId = 1;
  #finished: string[] = [];
  #forgetTimer: NodeJS.Timeout | undefined;

  constructor(link: SerialLink, graceMs: number) {
    this.#link = link;
    this.#graceMs = graceMs;
  }

  async run(request: CommandRequest): Promise<CommandOutcome> {
    const text = encodeText(composeCommand(request));
    const turn = this.#queue.then(() => this.#runNow(request, text));
    this.#queue = turn.catch(() => {});
    return turn;
  }

  abandon(error: GuestLostError): void {
    this.#link.fail(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.#queue;
    clearTimeout(this.#forgetTimer);
    // Its directory is gone when it has left; a guest that does not answer is no reason to wait.
    await this.#link.leave(Deadline.after(1000));
  }

  async #runNow(request: CommandRequest, text: string): Promise<CommandOutcome> {
    if (this.#link.closed) throw this.#link.lost("the command channel is closed");
    const { timeoutMs = Infinity, maxOutputBytes = defaultMaxOutputBytes, signal } = request;
    const startedAtMs = performance.now();
    const id = String(this.#nextId++);
    const collector = new Collector(maxOutputBytes);
    const abort = (): void => this.#link.interrupt();
    signal?.addEventListener("abort", abort);
    try {
      this.#link.expectAnswers();
      this.#forget();
      await this.#submit(id, text, request, maxOutputBytes);
      const ends = this.#endings(id, timeoutMs, startedAtMs);
      const report = await this.#awaitReport(id, collector, ends, signal, () =>
        this.#submit(id, text, request, maxOutputBytes),
      );
      const durationMs = performance.now() - startedAtMs;
      if (report === undefined) return unanswered(durationMs);
      await this.#complete(id, collector, report, signal);
      const outcome = collector.outcome(report, durationMs);
      // Output comes over this way as a whole.
      for (const stream of ["stdout", "stderr"] as const) {
        if (outcome[stream].length > 0) await request.onOutput?.(stream, outcome[stream]);
      }
      return outcome;
    } finally {
      signal?.removeEventListener("abort", abort);
      this.#forgetLater(id);
    }
  }

  /** Sends the whole command; it may be sent again. */
  async #submit(id: string, text: string, request: CommandRequest, max: number): Promise<void> {
    const input = request.stdin === undefined ? "" : Buffer.from(request.stdin).toString("base64");
    const inputs = chunks(input, partLength);
    const parts = text.length <= partLength && inputs.length === 0 ? [] : chunks(text, partLength);
    for (const [index, part] of parts.entries())
      await this.#sendPart(id, "P", index, part, request.signal);
    for (const [index, part] of inputs.entries())
      await this.#sendPart(id, "I", index, part, request.signal);
    this.#link.send(
      `C ${id} ${max} ${parts.length} ${inputs.length} ${parts.length === 0 ? text : ""}`.trimEnd(),
    );
  }

  async #sendPart(
    id: string,
    verb: "P" | "I",
    index: number,
    part: string,
    signal?: AbortSignal,
  ): Promise<void> {
    for (;;) {
      this.#link.send(`${verb} ${id} ${index} ${part}`);
      const deadline = Deadline.after(pollMs * 4);
      while (!deadline.expired) {
        const frame = await this.#link.next(deadline, id, signal);
        if (frame?.verb === "a" && frame.rest === `${verb}${index}`) return;
      }
    }
  }

  /** Waits for the result, asks when nothing comes, and ends the command at its timeout. */
  async #awaitReport(
    id: string,
    collector: Collector,
    endings: Ending[],
    signal: AbortSignal | undefined,
    submitAgain: () => Promise<void>,
  ): Promise<Report | undefined> {
    for (;;) {
      const ending = endings[0];
      const wait = Deadline.after(
        Math.min(pollMs, Math.max(0, (ending?.atMs ?? Infinity) - performance.now())),
      );
      const frame = await this.#link.next(wait, id, signal);
      if (frame === undefined) {
        if (ending !== undefined && performance.now() >= ending.atMs) {
          endings.shift();
          if (ending.verb === undefined) return undefined;
          this.#link.send(`${ending.verb} ${id}`);
        } else this.#link.send(`S ${id}`);
      } else if (frame.verb === "U") await submitAgain();
      else if (frame.verb === "L") collector.line(frame.rest);
      else if (frame.verb === "D") {
        const report = parseReport(frame.rest);
        if (report !== undefined) return report;
      }
    }
  }

  /** Asks again for lines of output that were torn, until all are there. */
  async #complete(
    id: string,
    collector: Collector,
    report: Report,
    signal?: AbortSignal,
  ): Promise<void> {
    for (let attempt = 0; ; attempt += 1) {
      const missing = collector.missing(report);
      if (missing === undefined) return;
      if (attempt === 200) throw this.#link.lost("the guest's console tears every line");
      this.#link.send(`R ${id} ${missing.stream} ${missing.start} ${missing.count}`);
      // Until the last of them, or until nothing comes any more.
      let last = -1;
      while (last !== missing.start + missing.count - 1) {
        const frame = await this.#link.next(Deadline.after(pollMs), id, signal);
        if (frame === undefined) break;
        if (frame.verb === "L") last = collector.line(frame.rest) ?? last;
      }
    }
  }

  #endings(id: string, timeoutMs: number, startedAtMs: number): Ending[] {
    if (timeoutMs === Infinity) return [];
    const atMs = startedAtMs + timeoutMs;
    return [
      { atMs, verb: "K" },
      { atMs: atMs + this.#graceMs, verb: "X" },
      { atMs: atMs + this.#graceMs * 2 + 1000, verb: undefined },
    ];
  }

  /** What a finished command left is removed when nothing else is to do. */
  #forgetLater(id: string): void {
    this.#finished.push(id);
    clearTimeout(this.#forgetTimer);
    if (this.#link.closed) return;
    this.#forgetTimer = setTimeout(() => this.#forget(1), 50);
    this.#forgetTimer.unref();
  }

  #forget(atLeast = 16): void {
    if (this.#finished.length < atLeast || this.#link.closed) return;
    this.#link.send(`F ${this.#finished.splice(0).join(" ")}`);
  }
}

interface Ending {
  readonly atMs: number;
  /** Missing: give up. */
  readonly verb: "K" | "X" | undefined;
}

function unanswered(durationMs: number): CommandOutcome {
  const nothing = new Uint8Array();
  return {
    exitCode: undefined,
    stdout: nothing,
    stderr: nothing,
    truncated: false,
    timedOut: true,
    durationMs,
  };
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

function chunks(text: string, length: number): string[] {
  return text.match(new RegExp(`.{1,${length}}`, "gs")) ?? [];
}
