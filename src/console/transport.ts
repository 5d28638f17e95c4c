import type { TerminateOptions } from "../process-group.ts";

/** How a program on a terminal ended: with a code, or by a signal's number. */
export interface Exit {
  readonly exitCode: number | undefined;
  readonly signal: number | undefined;
}

/** The two ends of a terminal; everything above it knows bytes only. */
export interface Transport {
  /** Leader of the program's session and process group. */
  readonly pid: number;
  /** Resolves when the program ended and its last output was delivered. Never rejects. */
  readonly exited: Promise<Exit>;
  /** Queues bytes for the program; nothing is lost when the terminal is full. */
  write(bytes: Uint8Array): void;
  resize(columns: number, rows: number): void;
  /** Returns what ends the listening. */
  onData(listener: (bytes: Uint8Array) => void): () => void;
  /** Ends the program with all its descendants (TERM, five seconds, KILL) and waits for it. */
  terminate(options?: TerminateOptions): Promise<void>;
}
