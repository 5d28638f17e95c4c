export interface FrameReader {
  /**
   * Takes the frames out of the next bytes and returns all others, in their order. Only of what turns out to be no frame
   * the beginning comes behind the message that tore it: a panic must not wait for the end of a frame.
   */
  read(bytes: Uint8Array): Uint8Array;
}

const maxFrameLength = 16_384;

/**
 * Finds frames, `~TOKEN:LENGTH:BODY~` and a line break, among whatever else the console says.
 * The kernel prints its messages into the middle of other people's lines. They start with `[` or
 * `*`, which no frame holds, and end with their line: so they can be lifted out, and the two halves
 * of the frame joined. What is torn in another way has the wrong length and is no frame.
 */
export function createFrameReader(token: string, onFrame: (body: string) => void): FrameReader {
  const opening = `~${token}:`;
  let state: "outside" | "inside" | "insertion" | "line-end" = "outside";
  /** A frame as far as it came, its opening included. */
  let held = "";
  let inserted = "";
  let rest = "";

  const release = (): void => {
    rest += held;
    held = "";
    state = "outside";
  };

  const open = (): void => {
    held = "~";
    state = "inside";
  };

  const finish = (): void => {
    const [, length, body] = /^(\d+):(.*)$/s.exec(held.slice(opening.length)) ?? [];
    if (body === undefined || body.length !== Number(length)) {
      // Not its end, but perhaps where the next one begins that fell into it.
      release();
      return open();
    }
    held = "";
    state = "line-end";
    onFrame(body);
  };

  const step = (character: string): void => {
    switch (state) {
      case "line-end":
        if (character === "\r") return;
        state = "outside";
        if (character !== "\n") step(character);
        return;
      case "outside":
        if (character !== "~") {
          rest += character;
          return;
        }
        return open();
      case "insertion":
        inserted += character;
        if (character === "\n" || inserted.length > maxFrameLength) {
          rest += inserted;
          inserted = "";
          state = "inside";
        }
        return;
      case "inside":
        if (character === "[" || character === "*") {
          inserted = character;
          state = "insertion";
        } else if (held.length < opening.length) {
          if (character === opening[held.length]) held += character;
          else {
            release();
            step(character);
          }
        } else if (character === "~") finish();
        else if (character < " " || character > "}" || held.length > maxFrameLength) {
          release();
          step(character);
        } else held += character;
    }
  };

  return {
    read(bytes) {
      const text = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength).toString("latin1");
      if (state === "outside" && !text.includes("~")) return bytes;
      for (const character of text) step(character);
      const others = Buffer.from(rest, "latin1");
      rest = "";
      return others;
    },
  };
}
