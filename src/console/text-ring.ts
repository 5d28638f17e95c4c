/** The last characters of a text that grows without end. */
export interface TextRing {
  /** Characters that were ever appended. */
  readonly end: number;
  /** Offset of the first character that is still there. */
  readonly start: number;
  append(text: string): void;
  /** The text from an offset on, as far as it is still there. */
  since(offset: number): string;
}

const bytesPerCharacter = 2;
const firstCapacity = 65_536;

/**
 * Keeps the characters outside the garbage collector's reach: strings that are kept for a while and
 * then dropped are what lets its heap grow.
 */
export function createTextRing(maxCharacters: number): TextRing {
  let bytes = Buffer.alloc(Math.min(firstCapacity, maxCharacters) * bytesPerCharacter);
  let end = 0;
  const capacity = (): number => bytes.length / bytesPerCharacter;
  const start = (): number => Math.max(0, end - capacity());

  const grow = (needed: number): void => {
    if (needed <= capacity() || capacity() === maxCharacters) return;
    const larger = Buffer.alloc(
      Math.min(maxCharacters, Math.max(needed, capacity() * 2)) * bytesPerCharacter,
    );
    // Until now nothing was dropped, so that all of it begins at 0.
    bytes.copy(larger);
    bytes = larger;
  };
  const read = (from: number, to: number): string =>
    bytes.toString("utf16le", from * bytesPerCharacter, to * bytesPerCharacter);

  return {
    get end() {
      return end;
    },
    get start() {
      return start();
    },
    append(text) {
      grow(end + text.length);
      const kept = text.slice(-capacity());
      const at = (end + text.length - kept.length) % capacity();
      const untilEdge = kept.slice(0, capacity() - at);
      bytes.write(untilEdge, at * bytesPerCharacter, "utf16le");
      bytes.write(kept.slice(untilEdge.length), 0, "utf16le");
      end += text.length;
    },
    since(offset) {
      const from = Math.max(offset, start());
      if (from >= end) return "";
      const [first, last] = [from % capacity(), end % capacity()];
      return first < last ? read(first, last) : read(first, capacity()) + read(0, last);
    },
  };
}
