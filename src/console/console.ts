import { clearTimeout, setTimeout } from "../clock.ts";
import type { GuestLostError } from "../errors.ts";
import { hideInStream, mask } from "../hidden-text.ts";
import type { Alarm, GuestEventName } from "./alarms.ts";
import { followFate, type Fate } from "./fate.ts";
import type { ConsoleMatch, Pattern } from "./match.ts";
import { recordConsole, type Recorder } from "./recorder.ts";
import { createTerminalAnswers } from "./terminal-answers.ts";
import { Transcript } from "./transcript.ts";
import type { Exit, Transport } from "./transport.ts";
import { createWaits, type ExpectOptions, type Waits } from "./waits.ts";

export interface ConsoleOptions {
  /** Directory for `console.log` and `console.cast`. @default none is written */
  readonly recordIn?: string;
  /** The console of the guest's last boot, which has ended: its transcript and its recording go on. */
  readonly continues?: Console;
  /** What the console has shown before this process looked at it: as if it came now, but nobody is lost of it. */
  readonly replays?: string;
  /** Called once, when the disk takes no more of them: the guest runs on. */
  readonly onRecordingFailure?: (error: unknown) => void;
  /** Called when the console has ended and was longer than its files may be. */
  readonly onRecordingGap?: () => void;
  readonly columns?: number;
  readonly rows?: number;
  /** Called for each complete line, and for the moving status line of a slow boot. */
  readonly onLine?: (line: string) => void;
}

/** After which bytes that may begin a secret are shown to who watches. */
const quietMs = 200;

/** Takes bytes that are not meant for people out of the stream; returns the rest. */
export type Interceptor = (bytes: Uint8Array) => Uint8Array;

/**
 * A guest's first serial port: what it says, and what one waits for it to say.
 * The first failure (a fatal alarm, or the end of QEMU) fails every wait, pending and later.
 */
export class Console {
  readonly transcript: Transcript;
  /** Resolves when QEMU ended and its last words were read. */
  readonly exited: Promise<Exit>;
  /** Whether cursor and size queries are answered; off once nobody at the console asks any more. */
  answersQueries = true;
  readonly #transport: Transport;
  readonly #recorder: Recorder | undefined;
  readonly #fate: Fate;
  readonly #waits: Waits;
  readonly #rawListeners = new Set<(bytes: Uint8Array) => void>();
  #size: { readonly columns: number; readonly rows: number };
  #interceptor: Interceptor | undefined;

  constructor(
    transport: Transport,
    {
      recordIn,
      continues,
      replays = "",
      onRecordingFailure = () => {},
      onRecordingGap = () => {},
      columns = 80,
      rows = 24,
      onLine = () => {},
    }: ConsoleOptions = {},
  ) {
    this.#transport = transport;
    this.#size = { columns, rows };
    const recorded = continues === undefined ? undefined : continues.#recorder;
    this.#recorder =
      recordIn === undefined
        ? undefined
        : recordConsole(recordIn, {
            columns,
            rows,
            onFailure: onRecordingFailure,
            onGap: onRecordingGap,
            ...(recorded === undefined ? {} : { continues: recorded }),
          });
    let isPast = true;
    const answer = createTerminalAnswers((text) => this.send(text));
    this.transcript = new Transcript({
      ...(continues === undefined ? {} : { continues: continues.transcript }),
      onLine: (line) => {
        this.#recorder?.line(line);
        this.#fate.line(line, { isPast });
        if (line.trim() !== "") onLine(line.trimEnd());
      },
      onQuery: (query) => {
        if (this.answersQueries) answer(query, this.#size);
      },
    });
    this.#fate = followFate(this.transcript);
    this.#waits = createWaits({
      transcript: this.transcript,
      failure: () => this.#fate.failure,
    });
    this.#receive(Buffer.from(replays));
    isPast = false;
    transport.onData((bytes) => this.#receive(bytes));
    this.exited = transport.exited.then((exit) => this.#end(exit));
  }

  /** What the guest's console and QEMU's monitor warned of; the first hundred. */
  get alarms(): readonly Alarm[] {
    return this.#fate.alarms;
  }

  /** The first failure of this guest; the cause of every later one. */
  get failure(): GuestLostError | undefined {
    return this.#fate.failure;
  }

  /** Calls back at the first failure, at once if it has been. Returns what ends it. */
  onFailure(listener: (failure: GuestLostError) => void): () => void {
    return this.#fate.onFailure(listener);
  }

  /** The guest reached its shell: from now on its loss is no failed boot. */
  markBooted(): void {
    this.#fate.markBooted();
  }

  /** The next boot is wanted. */
  expectReboot(): void {
    this.#fate.expectReboot();
  }

  /** The end of QEMU is wanted: it ends waits, but is no failure. Returns what takes the wish back. */
  expectEnd(): () => void {
    return this.#fate.expectEnd();
  }

  /** QEMU itself saw a reset or a panic of the guest: as fatal as the line on the console would be. */
  raise(name: GuestEventName): void {
    this.#fate.raise(name);
    this.#waits.wake();
  }

  /** The guest cannot go on, whatever it shows itself: fails every wait. */
  lose(message: string, hint: string): void {
    this.#fate.lose(message, hint);
    this.#waits.wake();
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
  expect(pattern: Pattern | readonly Pattern[], options: ExpectOptions): Promise<ConsoleMatch> {
    const patterns = typeof pattern === "string" || pattern instanceof RegExp ? [pattern] : pattern;
    return this.#waits.expect(patterns, options);
  }

  /** Types text or bytes, as they are: control characters are the guest's. */
  send(input: string | Uint8Array): void {
    this.#transport.write(Buffer.from(input));
  }

  sendLine(line: string): void {
    this.send(`${line}\r`);
  }

  resize(columns: number, rows: number): void {
    this.#size = { columns, rows };
    this.#transport.resize(columns, rows);
  }

  /** Puts a filter before the transcript; returns what takes it away again. */
  intercept(interceptor: Interceptor): () => void {
    this.#interceptor = interceptor;
    return () => {
      if (this.#interceptor === interceptor) this.#interceptor = undefined;
    };
  }

  /** Listens to the bytes as they come, escape sequences included, secrets not. Returns what ends it. */
  onBytes(listener: (bytes: Uint8Array) => void): () => void {
    const hidden = hideInStream(Buffer.from(mask).toString("latin1"));
    let timer: NodeJS.Timeout | undefined;
    const show = (text: string): void => {
      if (text !== "") listener(Buffer.from(text, "latin1"));
    };
    const raw = (bytes: Uint8Array): void => {
      clearTimeout(timer);
      show(hidden.write(Buffer.from(bytes).toString("latin1")));
      // A prompt may end as a secret begins.
      timer = setTimeout(() => show(hidden.release()), quietMs).unref();
    };
    this.#rawListeners.add(raw);
    return () => {
      clearTimeout(timer);
      show(hidden.release());
      this.#rawListeners.delete(raw);
    };
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
    this.#recorder?.flush();
    this.#waits.wake();
  }

  #end(exit: Exit): Exit {
    if (this.transcript.currentLine !== "") this.#recorder?.line(this.transcript.currentLine, true);
    this.#recorder?.close();
    this.#fate.end(exit);
    this.#waits.wake();
    return exit;
  }
}
