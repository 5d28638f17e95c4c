import { closeSync, openSync, writeSync } from "node:fs";
import { join } from "node:path";

/** Keeps the whole console on disk, as lines with time stamps and as a replayable recording. */
export interface Recorder {
  bytes(bytes: Uint8Array): void;
  line(line: string): void;
  close(): void;
}

export interface RecorderOptions {
  readonly columns: number;
  readonly rows: number;
}

/** Writes `console.log` and `console.cast` (asciicast 2) into a directory. */
export function recordConsole(directory: string, { columns, rows }: RecorderOptions): Recorder {
  const startedAtMs = performance.now();
  const seconds = (): number => (performance.now() - startedAtMs) / 1000;
  const log = openFile(join(directory, "console.log"));
  const cast = openFile(join(directory, "console.cast"));
  const decoder = new TextDecoder("utf-8");
  const timestamp = Math.floor(Date.now() / 1000);
  cast.write(`${JSON.stringify({ version: 2, width: columns, height: rows, timestamp })}\n`);
  return {
    bytes(bytes) {
      const text = decoder.decode(bytes, { stream: true });
      if (text !== "") {
        cast.write(`${JSON.stringify([Number(seconds().toFixed(3)), "o", text])}\n`);
      }
    },
    line: (line) => log.write(`[${seconds().toFixed(3).padStart(9)}] ${line}\n`),
    close() {
      log.close();
      cast.close();
    },
  };
}

function openFile(path: string): { write(text: string): void; close(): void } {
  let descriptor: number | undefined;
  try {
    // Not over what an earlier guest left in a kept directory, and not through somebody's link.
    descriptor = openSync(path, "ax", 0o600);
  } catch {
    descriptor = undefined;
  }
  const close = (): void => {
    if (descriptor !== undefined) closeSync(descriptor);
    descriptor = undefined;
  };
  return {
    write(text) {
      try {
        // Synchronous, so that a slow disk holds the guest back and not this process's memory.
        if (descriptor !== undefined) writeSync(descriptor, text);
      } catch {
        // A full disk ends the recording, not the guest.
        close();
      }
    },
    close,
  };
}
