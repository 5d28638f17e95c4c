import { withoutSecrets } from "../hidden-text.ts";
import { createCleaner, type Cleaner, type TerminalQuery } from "./cleaner.ts";
import { createCurrentLine } from "./current-line.ts";
import { createTextRing, type TextRing } from "./text-ring.ts";

export interface TranscriptOptions {
  /** What came before, to which nothing more is written. */
  readonly continues?: Transcript;
  /** Characters of plain text that stay in memory. @default 1048576 */
  readonly retainCharacters?: number;
  /** Called for each line that is complete, and with the offset of its first character. */
  readonly onLine?: (line: string, start: number) => void;
  readonly onQuery?: (query: TerminalQuery) => void;
}

/** Offsets of the first character, and of that behind the last. */
interface Range {
  readonly start: number;
  readonly end: number;
}

// A guest that never ends its line must not make one.
const maxLineCharacters = 65_536;
// A tail reaches back over a login or two; older ones are far from it.
const maxAsides = 8;

/**
 * Append-only plain text of a console. Offsets count all characters since the start and never
 * move, so that a mark stays valid when old text has left the memory.
 */
export class Transcript {
  readonly #cleaner: Cleaner;
  readonly #onLine: (line: string, start: number) => void;
  /** All lines that are complete. */
  readonly #lines: TextRing;
  readonly #line = createCurrentLine();
  #asides: readonly Range[] = [];

  constructor({
    continues,
    retainCharacters = 1_048_576,
    onLine = () => {},
    onQuery = () => {},
  }: TranscriptOptions = {}) {
    if (continues === undefined) this.#lines = createTextRing(retainCharacters);
    else {
      continues.#completeLine();
      this.#lines = continues.#lines;
      this.#asides = continues.#asides;
    }
    this.#onLine = onLine;
    this.#cleaner = createCleaner({
      text: (text) => this.#append(text),
      backspace: () => this.#line.backspace(),
      query: onQuery,
    });
  }

  write(bytes: Uint8Array): void {
    this.#cleaner.write(bytes);
  }

  /** Offset behind the last character. */
  get end(): number {
    return this.lineStart + this.#line.length;
  }

  /** Offset of the first character of the line that is not complete yet. */
  get lineStart(): number {
    return this.#lines.end;
  }

  /** The line that is not complete yet: a prompt, mostly. */
  get currentLine(): string {
    return this.#line.text;
  }

  /** The text from an offset on, as far as it is still in memory. */
  since(offset: number): { readonly text: string; readonly start: number } {
    const start = Math.max(offset, this.#lines.start);
    const inLine = this.#line.text.slice(Math.max(0, start - this.lineStart));
    return { text: this.#lines.since(start) + inLine, start };
  }

  /** What stands there is no part of any tail: it says nothing of the guest. */
  leaveOut(aside: Range): void {
    this.#asides = [...this.#asides, aside].slice(-maxAsides);
  }

  /** The last lines that say something, without secrets; of repeated status lines only the last. */
  tail(count = 20, since = 0): string[] {
    const lines: string[] = [];
    const left = this.#asides.reduce((sum, { start, end }) => sum + end - start, 0);
    const from = Math.max(since, this.end - left - Math.max(count, 1) * 1000);
    for (const line of this.told(from).split("\n").toReversed()) {
      const trimmed = line.trimEnd();
      if (trimmed === "" || (isAnimation(trimmed) && isAnimation(lines[0] ?? ""))) continue;
      lines.unshift(trimmed.slice(0, 500));
      if (lines.length === count) break;
    }
    return lines;
  }

  /** The text from an offset on, without what is left out, and without secrets. */
  told(from = 0): string {
    const { text, start } = this.since(from);
    // From the last to the first, so that the offsets of those before still hold.
    const told = this.#asides.reduceRight(
      (left, aside) =>
        left.slice(0, Math.max(0, aside.start - start)) +
        left.slice(Math.max(0, aside.end - start)),
      text,
    );
    return withoutSecrets(told, { isCut: true });
  }

  #append(text: string): void {
    if (text === "\n") return this.#endLine();
    this.#line.append(text);
    if (this.#line.length > maxLineCharacters) this.#endLine();
  }

  #completeLine(): void {
    if (this.#line.length > 0) this.#lines.append(`${this.#line.take()}\n`);
  }

  #endLine(): void {
    const line = this.#line.take();
    const start = this.lineStart;
    this.#lines.append(`${line}\n`);
    this.#onLine(line, start);
  }
}

/** systemd's moving asterisks: `[ ***  ] A start job is running for … (8s / 1min 30s)`. */
function isAnimation(line: string): boolean {
  return /^\[[ *]+\] .*(?:start|stop) job is running/.test(line.trimStart());
}
