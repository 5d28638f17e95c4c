import { readSequences } from "./control-sequences.ts";

/** What a guest asked its terminal, and waits for. */
export type TerminalQuery = "cursor" | "status" | "size" | "identity";

export interface Cleaner {
  /** Feeds the next bytes; they may end anywhere, in a character or in an escape sequence. */
  write(bytes: Uint8Array): void;
}

export interface CleanerSink {
  /** The next character of plain text, or several; `\n` ends a line. */
  text(text: string): void;
  /** The following text replaces as many characters before it in the same line. */
  backspace(): void;
  query(query: TerminalQuery): void;
}

/**
 * Turns a terminal's byte stream into plain text: control sequences and strings, `\r\r\n`, NUL, split UTF-8 and bytes
 * that are no UTF-8 are dealt with here and nowhere else.
 */
export function createCleaner(sink: CleanerSink): Cleaner {
  const decoder = new TextDecoder("utf-8");
  let carriageReturn = false;
  let column = 0;

  const text = (part: string): void => {
    // A return in the middle of a line starts it over; as text that is a line of its own.
    if (carriageReturn && column > 0) {
      sink.text("\n");
      column = 0;
    }
    carriageReturn = false;
    sink.text(part);
    column += part.length;
  };
  const reader = readSequences({
    text,
    control(character) {
      if (character === "\n") {
        carriageReturn = false;
        column = 0;
        sink.text("\n");
      } else if (character === "\r") carriageReturn = true;
      else if (character === "\t") text("\t");
      else if (character === "\b" && column > 0) sink.backspace();
    },
    controlSequence(sequence) {
      const query = queries.get(sequence);
      if (query !== undefined) sink.query(query);
    },
  });
  return { write: (bytes) => reader.read(decoder.decode(bytes, { stream: true })) };
}

const queries: ReadonlyMap<string, TerminalQuery> = new Map([
  ["6n", "cursor"],
  ["?6n", "cursor"],
  ["5n", "status"],
  ["18t", "size"],
  ["c", "identity"],
  ["0c", "identity"],
]);

/** Text of a guest that may be printed on a terminal: no escape sequences, no control characters. */
export function cleanText(text: string | Uint8Array): string {
  let clean = "";
  const cleaner = createCleaner({
    text: (part) => {
      clean += part;
    },
    backspace: () => {},
    query: () => {},
  });
  cleaner.write(Buffer.from(text));
  return clean;
}
