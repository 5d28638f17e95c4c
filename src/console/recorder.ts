import { join } from "node:path";
import { now, performance } from "../clock.ts";
import { hideInStream, withoutSecrets } from "../hidden-text.ts";
import { openBoundedFile } from "./bounded-file.ts";

/** Keeps a console on disk, as lines with time stamps and as a replayable recording. */
export interface Recorder {
  readonly startedAtMs: number;
  bytes(bytes: Uint8Array): void;
  /** One that is cut may end in a part of a secret. */
  line(line: string, isCut?: boolean): void;
  /** Writes the lines of a chunk together. */
  flush(): void;
  close(): void;
}

export interface RecorderOptions {
  readonly columns: number;
  readonly rows: number;
  /** Of each of the two files; a longer console keeps its beginning and its end. @default 67108864 (64 MiB) */
  readonly maxBytes?: number;
  /** One of the same directory that is closed: its files and its time go on. */
  readonly continues?: Recorder;
  /** Called once, when the disk takes no more. */
  readonly onFailure?: (error: unknown) => void;
  /** Called once at the end, when one of the files could not hold all. */
  readonly onGap?: () => void;
}

/** Writes `console.log` and `console.cast` (asciicast 2) into a directory. */
export function recordConsole(
  directory: string,
  { columns, rows, maxBytes, continues, onFailure = () => {}, onGap = () => {} }: RecorderOptions,
): Recorder {
  const startedAtMs = continues?.startedAtMs ?? performance.now();
  const seconds = (atMs = performance.now()): string => ((atMs - startedAtMs) / 1000).toFixed(3);
  const stamp = (atMs?: number): string => `[${seconds(atMs).padStart(9)}]`;
  const event = (code: "o" | "m", text: string, atMs?: number): string =>
    `${JSON.stringify([Number(seconds(atMs)), code, text])}\n`;

  let failed = false;
  const options = {
    ...(maxBytes === undefined ? {} : { maxBytes }),
    goesOn: continues !== undefined,
    onFailure: (error: unknown): void => {
      if (!failed) onFailure(error);
      failed = true;
    },
  };
  let hasGap = false;
  const describeGap = (bytes: number): string => {
    if (!hasGap) onGap();
    hasGap = true;
    return `[… ${(bytes / 1_000_000).toFixed(1)} MB of this file are left out here]`;
  };
  const log = openBoundedFile(join(directory, "console.log"), {
    ...options,
    gap: (bytes, sinceMs) => `${stamp(sinceMs)} ${describeGap(bytes)}\n`,
  });
  const cast = openBoundedFile(join(directory, "console.cast"), {
    ...options,
    gap: (bytes, sinceMs) => event("m", describeGap(bytes), sinceMs),
  });
  if (continues === undefined) {
    const timestamp = Math.floor(now() / 1000);
    cast.write(`${JSON.stringify({ version: 2, width: columns, height: rows, timestamp })}\n`);
  } else {
    log.write(`${stamp()} [the guest is started again]\n`);
    cast.write(event("m", "the guest is started again"));
  }

  const decoder = new TextDecoder("utf-8");
  const hidden = hideInStream();
  const record = (text: string): void => {
    if (text !== "") cast.write(event("o", text));
  };
  let lines: string[] = [];
  const flush = (): void => {
    if (lines.length === 0) return;
    const time = stamp();
    log.write(lines.map((line) => `${time} ${line}\n`).join(""));
    lines = [];
  };
  return {
    startedAtMs,
    bytes(bytes) {
      record(hidden.write(decoder.decode(bytes, { stream: true })));
    },
    line: (line, isCut = false) => void lines.push(withoutSecrets(line, { isCut })),
    flush,
    close() {
      flush();
      record(hidden.release());
      log.close();
      cast.close();
    },
  };
}
