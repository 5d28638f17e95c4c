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

// Longer ones are no control strings but a lost terminator: what follows must not vanish.
const maxControlLength = 4096;

type State = "text" | "escape" | "charset" | "csi" | "string";

/**
 * Turns a terminal's byte stream into plain text: CSI, OSC, DCS and other control strings,
 * `\r\r\n`, NUL, split UTF-8 and bytes that are no UTF-8 are dealt with here and nowhere else.
 */
export function createCleaner(sink: CleanerSink): Cleaner {
  const decoder = new TextDecoder("utf-8");
  let state: State = "text";
  let sequence = "";
  let carriageReturn = false;
  let column = 0;

  const emit = (text: string): void => {
    // A return in the middle of a line starts it over; as text that is a line of its own.
    if (carriageReturn && column > 0) {
      sink.text("\n");
      column = 0;
    }
    carriageReturn = false;
    sink.text(text);
    column += text.length;
  };

  const control = (character: string): void => {
    if (character === "\n") {
      carriageReturn = false;
      column = 0;
      sink.text("\n");
    } else if (character === "\r") carriageReturn = true;
    else if (character === "\t") emit("\t");
    else if (character === "\b" && column > 0) sink.backspace();
  };

  const escape = (character: string): State => {
    if (character === "[") return "csi";
    if ("]PX^_".includes(character)) return "string";
    if ("()*+-./%# ".includes(character)) return "charset";
    return "text";
  };

  const step = (character: string): State => {
    if (character === "\x1b") {
      sequence = "";
      return "escape";
    }
    if (character === "\x18" || character === "\x1a") return "text";
    switch (state) {
      case "escape":
        if (isControl(character)) {
          control(character);
          return "text";
        }
        return escape(character);
      case "charset":
        if (isControl(character)) control(character);
        return "text";
      case "csi":
        if (isControl(character)) {
          control(character);
          // A terminal would go on; but torn by another line, it would swallow that line's first letter.
          return character === "\n" || character === "\r" ? "text" : "csi";
        }
        sequence += character;
        if (character >= "@" && character <= "~") {
          const query = queries.get(sequence);
          if (query !== undefined) sink.query(query);
          return "text";
        }
        return character > "~" || sequence.length > maxControlLength ? "text" : "csi";
      case "string":
        sequence += character;
        if (character === "\n" || character === "\r") {
          // Real control strings never hold a line break: the terminator was lost.
          control(character);
          return "text";
        }
        return character === "\x07" || character === "\x9c" || sequence.length > maxControlLength
          ? "text"
          : "string";
      case "text":
        if (isControl(character)) control(character);
        else emit(character);
        return "text";
    }
  };

  return {
    write(bytes) {
      const text = decoder.decode(bytes, { stream: true });
      for (let index = 0; index < text.length;) {
        if (state === "text") {
          printable.lastIndex = index;
          const run = printable.exec(text)?.[0];
          if (run !== undefined) {
            emit(run);
            index += run.length;
            continue;
          }
        }
        const next = step(text.charAt(index));
        if (next !== state) sequence = "";
        state = next;
        index += 1;
      }
    },
  };
}

// C0, DEL and C1: a terminal that prints the text later must not obey it.
// oxlint-disable-next-line no-control-regex -- they are what it is about
const printable = /[^\u0000-\u001f\u007f-\u009f]+/y;

function isControl(character: string): boolean {
  return character < " " || (character >= "\x7f" && character <= "\x9f");
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
