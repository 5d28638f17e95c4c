/** The parts of what a terminal is sent. */
export interface SequenceSink {
  /** Printable characters. */
  text(text: string): void;
  /** A character of C0, DEL or C1 that belongs to no sequence. */
  control(character: string): void;
  /** A control sequence (CSI), without what introduces it: `0;31m`. */
  controlSequence(sequence: string): void;
}

export interface SequenceReader {
  /** Reads on; the text may end anywhere in a sequence. */
  read(text: string): void;
}

// Longer ones are no control strings but a lost terminator: what follows must not vanish.
const maxLength = 4096;

type State = "text" | "escape" | "charset" | "csi" | "string";

/**
 * Takes escape sequences out of text, as a terminal would read them (ECMA-48): CSI, the control strings OSC, DCS, SOS, PM
 * and APC, character sets. What a guest tears or never ends hides nothing behind its line.
 */
export function readSequences(sink: SequenceSink): SequenceReader {
  let state: State = "text";
  /** Of the sequence that is being read. */
  let sequence = "";

  const steps: Readonly<Record<State, (character: string) => State>> = {
    // What is printable has been taken out before.
    text(character) {
      sink.control(character);
      return "text";
    },
    escape(character) {
      if (isControl(character)) sink.control(character);
      else if (character === "[") return "csi";
      else if ("]PX^_".includes(character)) return "string";
      else if ("()*+-./%# ".includes(character)) return "charset";
      return "text";
    },
    charset(character) {
      if (isControl(character)) sink.control(character);
      return "text";
    },
    csi(character) {
      if (isControl(character)) {
        sink.control(character);
        // A terminal would go on; but torn by another line, it would swallow that line's first letter.
        return isLineBreak(character) ? "text" : "csi";
      }
      sequence += character;
      if (character >= "@" && character <= "~") {
        sink.controlSequence(sequence);
        return "text";
      }
      return character > "~" || sequence.length > maxLength ? "text" : "csi";
    },
    string(character) {
      sequence += character;
      if (isLineBreak(character)) {
        // Real control strings never hold a line break: the terminator was lost.
        sink.control(character);
        return "text";
      }
      const isEnd = character === bell || character === stringTerminator;
      return isEnd || sequence.length > maxLength ? "text" : "string";
    },
  };

  const step = (character: string): State => {
    if (character === escape) return "escape";
    if (character === cancel || character === substitute) return "text";
    return steps[state](character);
  };

  return {
    read(text) {
      for (let index = 0; index < text.length;) {
        const run = state === "text" ? printableFrom(text, index) : "";
        if (run !== "") sink.text(run);
        else {
          const next = step(text.charAt(index));
          if (next !== state) sequence = "";
          state = next;
        }
        index += run.length || 1;
      }
    },
  };
}

const escape = "\x1b";
const bell = "\x07";
/** Both end any sequence without effect. */
const cancel = "\x18";
const substitute = "\x1a";
const stringTerminator = "\x9c";

// C0, DEL and C1: a terminal that prints the text later must not obey it.
// oxlint-disable-next-line no-control-regex -- they are what it is about
const printable = /[^\u0000-\u001f\u007f-\u009f]+/y;

function printableFrom(text: string, index: number): string {
  printable.lastIndex = index;
  return printable.exec(text)?.[0] ?? "";
}

function isControl(character: string): boolean {
  return character < " " || (character >= "\x7f" && character <= "\x9f");
}

function isLineBreak(character: string): boolean {
  return character === "\n" || character === "\r";
}
