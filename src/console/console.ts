import type { Deadline } from "../deadline.ts";
import { formatMs } from "../deadline.ts";
import { ConsoleTimeoutError, GuestLostError, InterruptedError } from "../errors.ts";
import {
  alarmOfGuestEvent,
  excerptLines,
  watchAlarms,
  type Alarm,
  type GuestEventName,
} from "./alarms.ts";
import type { TerminalQuery } from "./cleaner.ts";
import { findMatch, type ConsoleMatch, type Pattern } from "./match.ts";
import { recordConsole, type Recorder } from "./recorder.ts";
import { Transcript } from "./transcript.ts";
import type { Exit, Transport } from "./transport.ts";

export interface ConsoleOptions {
  /** Directory for `console.log` and `console.cast`. @default none is written */
  readonly recordIn?: string;
  readonly columns?: number;
  readonly rows?: number;
  /** Called for each complete line, and for the moving status line of a slow boot. */
  readonly onLine?: (line: string) => void;
}

export interface ExpectOptions {
  readonly deadline: Deadline;
  /** Offset from which the text counts, see {@link Console.mark}. @default the start of the console */
  readonly since?: number;
  /** What is going on, for the message of a timeout. */
  readonly phase?: string;
  readonly signal?: AbortSignal;
}

/** Takes bytes that are not meant for people out of the stream; returns the rest. */
export type Interceptor = (bytes: Uint8Array) => Uint8Array;

const maxQueryAnswers = 1000;

/**
 * A guest's first serial port: what it says, and what one waits for it to say.
 * The first failure (a fatal alarm, or the end of QEMU) fails every wait, pending and later.
 */
export class Console {
  readonly transcript: Transcript;
  readonly alarms: Alarm[] = [];
  /** Resolves when QEMU ended and its last words were read. */
  readonly exited: Promise<Exit>;
  /** Whether cursor and size queries are answered; off once nobody at the console asks any more. */
  answersQueries = true;
  readonly #transport: Transport;
  readonly #recorder: Recorder | undefined;
  readonly #watch = watchAlarms();
  readonly #waiting = new Set<() => void>();
  readonly #failureListeners = new Set<(failure: GuestLostError) => void>();
  readonly #rawListeners = new Set<(bytes: Uint8Array) => void>();
  #columns: number;
  #rows: number;
  #interceptor: Interceptor | undefined;
  #failure: GuestLostError | undefined;
  #booted = false;
  #rebootExpected = false;
  #endExpected = false;
  #answers = 0;

  constructor(
    transport: Transport,
    { recordIn, columns = 80, rows = 24, onLine }: ConsoleOptions = {},
  ) {
    this.#transport = transport;
    this.#columns = columns;
    this.#rows = rows;
    this.#recorder =
      recordIn === undefined ? undefined : recordConsole(recordIn, { columns, rows });
    this.transcript = new Transcript({
      onLine: (line) => {
        this.#line(line);
        if (line.trim() !== "") onLine?.(line.trimEnd());
      },
      onQuery: (query) => this.#answer(query),
    });
    transport.onData((bytes) => this.#receive(bytes));
    this.exited = transport.exited.then((exit) => this.#end(exit));
  }

  /** The first failure of this guest; the cause of every later one. */
  get failure(): GuestLostError | undefined {
    return this.#failure;
  }

  /** Calls back at the first failure, at once if it has been. Returns what ends it. */
  onFailure(listener: (failure: GuestLostError) => void): () => void {
    if (this.#failure !== undefined) listener(this.#failure);
    this.#failureListeners.add(listener);
    return () => void this.#failureListeners.delete(listener);
  }

  /** The guest reached its shell: from now on its loss is no failed boot. */
  markBooted(): void {
    this.#booted = true;
    this.#rebootExpected = false;
  }

  /** The next boot is wanted. */
  expectReboot(): void {
    this.#rebootExpected = true;
    this.#watch.expectReboot();
  }

  /** QEMU itself saw a reset or a panic of the guest: as fatal as the line on the console would be. */
  raise(name: GuestEventName): void {
    if (name === "unexpected reboot" && (this.#rebootExpected || !this.#booted)) return;
    this.#alarm(alarmOfGuestEvent(name, this.transcript.tail(excerptLines)));
    this.#wake();
  }

  /** The end of QEMU is wanted: it ends waits, but is no failure. */
  expectEnd(): void {
    this.#endExpected = true;
  }

  /** A place in the transcript: «since here» for {@link expect}. */
  mark(): number {
    return this.transcript.end;
  }

  /**
   * Waits until the text since a mark holds one of the patterns. Takes nothing away: the same text
   * can be expected again.
   * @throws ConsoleTimeoutError at the deadline, with what was seen instead
   * @throws GuestLostError as soon as the guest is lost
   */
  async expect(
    pattern: Pattern | readonly Pattern[],
    { deadline, since = 0, phase, signal }: ExpectOptions,
  ): Promise<ConsoleMatch> {
    const patterns = typeof pattern === "string" || pattern instanceof RegExp ? [pattern] : pattern;
    let scanned = since;
    const look = (): ConsoleMatch | undefined => {
      const found = findMatch(this.transcript, patterns, since, scanned);
      // A line that is not complete yet may still change.
      scanned = Math.max(since, this.transcript.lineStart);
      return found;
    };
    let check = (): void => {};
    const outcome = new Promise<ConsoleMatch | undefined>((resolve) => {
      check = () => {
        const match = look();
        if (match !== undefined || this.#failure !== undefined || signal?.aborted) resolve(match);
      };
      check();
    });
    this.#waiting.add(check);
    signal?.addEventListener("abort", check);
    try {
      const match = await deadline.race(outcome);
      if (match !== undefined) return match;
    } finally {
      this.#waiting.delete(check);
      signal?.removeEventListener("abort", check);
    }
    if (signal?.aborted) {
      throw new InterruptedError("interrupted while waiting for the console", {
        cause: signal.reason,
      });
    }
    if (this.#failure !== undefined) throw this.#failure;
    throw this.#timeout(patterns, deadline, phase);
  }

  /** Types text or bytes; 0x01, QEMU's own escape, reaches the guest as itself. */
  send(input: string | Uint8Array): void {
    const bytes = Buffer.from(input);
    this.#transport.write(bytes.includes(1) ? doubled(bytes) : bytes);
  }

  sendLine(line: string): void {
    this.send(`${line}\r`);
  }

  resize(columns: number, rows: number): void {
    this.#columns = columns;
    this.#rows = rows;
    this.#transport.resize(columns, rows);
  }

  /** Puts a filter before the transcript; returns what takes it away again. */
  intercept(interceptor: Interceptor): () => void {
    this.#interceptor = interceptor;
    return () => {
      if (this.#interceptor === interceptor) this.#interceptor = undefined;
    };
  }

  /** Listens to the bytes as they come, escape sequences included. Returns what ends it. */
  onBytes(listener: (bytes: Uint8Array) => void): () => void {
    this.#rawListeners.add(listener);
    return () => void this.#rawListeners.delete(listener);
  }

  /** Ends QEMU and all that it started. */
  async terminate(): Promise<void> {
    this.expectEnd();
    await this.#transport.terminate();
    await this.exited;
  }

  #receive(received: Uint8Array): void {
    const bytes = this.#interceptor?.(received) ?? received;
    if (bytes.length === 0) return;
    for (const listener of this.#rawListeners) listener(bytes);
    this.#recorder?.bytes(bytes);
    this.transcript.write(bytes);
    this.#wake();
  }

  #line(line: string): void {
    this.#recorder?.line(line);
    const alarm = this.#watch.line(line);
    if (alarm !== undefined) this.#alarm(alarm);
  }

  #alarm(alarm: Alarm): void {
    // A guest that repeats itself must not fill the memory.
    if (this.alarms.length < 100) this.alarms.push(alarm);
    if (alarm.severity === "fatal") {
      this.#fail(`the guest is lost: ${alarm.name} (${alarm.line})`, [
        `${alarm.explanation[0]?.toUpperCase()}${alarm.explanation.slice(1)}.`,
        ...alarm.excerpt,
      ]);
    }
  }

  #end(exit: Exit): Exit {
    const words = this.transcript.tail(8);
    if (words.length > 0) this.#recorder?.line(this.transcript.currentLine);
    this.#recorder?.close();
    const how = exit.signal === undefined ? `exit code ${exit.exitCode}` : `signal ${exit.signal}`;
    const last = words.findLast((line) => /qemu|error|failed|cannot/i.test(line)) ?? words.at(-1);
    this.#fail(
      this.#endExpected
        ? "the guest has ended"
        : `QEMU ended with ${how}${last === undefined ? ", without a word" : `: ${last.trim()}`}`,
      words,
    );
    this.#wake();
    return exit;
  }

  #fail(message: string, details: readonly string[]): void {
    const code = this.#booted ? "GUEST_LOST" : "BOOT_FAILED";
    if (this.#failure !== undefined) return;
    this.#failure = new GuestLostError(message, { code, details });
    for (const listener of this.#failureListeners) listener(this.#failure);
  }

  #wake(): void {
    for (const check of this.#waiting) check();
  }

  #timeout(patterns: readonly Pattern[], deadline: Deadline, phase?: string): ConsoleTimeoutError {
    const wanted = patterns.map((one) =>
      typeof one === "string" ? JSON.stringify(one) : `${one}`,
    );
    const during = phase === undefined ? "" : ` during ${phase}`;
    const seen = this.transcript.tail(15);
    return new ConsoleTimeoutError(
      `the console did not show ${wanted.join(" or ")} within ${formatMs(deadline.totalMs)}${during}`,
      { details: seen.length === 0 ? ["The console showed nothing."] : ["It showed:", ...seen] },
    );
  }

  #answer(query: TerminalQuery): void {
    // Answers are typed, so a guest that asks without end would type without end.
    if (!this.answersQueries || this.#answers++ >= maxQueryAnswers) return;
    const answers = {
      cursor: `\x1b[${this.#rows};1R`,
      status: "\x1b[0n",
      size: `\x1b[8;${this.#rows};${this.#columns}t`,
      identity: "\x1b[?6c",
    };
    this.send(answers[query]);
  }
}

function doubled(bytes: Uint8Array): Uint8Array {
  return Uint8Array.from([...bytes].flatMap((byte) => (byte === 1 ? [1, 1] : [byte])));
}
