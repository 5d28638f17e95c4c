/** The line that is not complete yet, and that backspaces still change. */
export interface CurrentLine {
  readonly text: string;
  readonly length: number;
  append(text: string): void;
  /** The text that follows replaces as many characters before it. */
  backspace(): void;
  /** Ends the line, and gives its text. */
  take(): string;
}

// A backspace does not leave its row of the terminal, and changing a long string copies all of it.
const reach = 512;

export function createCurrentLine(): CurrentLine {
  let settled = "";
  let open = "";
  let back = 0;
  return {
    get text() {
      return settled + open;
    },
    get length() {
      return settled.length + open.length;
    },
    append(text) {
      const at = open.length - back;
      const replaced = Math.min(back, text.length);
      open = open.slice(0, at) + text + open.slice(at + replaced);
      back -= replaced;
      if (open.length < 2 * reach) return;
      settled += open.slice(0, -reach);
      open = open.slice(-reach);
    },
    backspace() {
      back = Math.min(back + 1, open.length);
    },
    take() {
      const text = settled + open;
      settled = open = "";
      back = 0;
      return text;
    },
  };
}
