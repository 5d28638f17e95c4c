/** Follows in which modes a guest leaves the user's own terminal. */
export interface TerminalModes {
  /** What the guest writes, in chunks of any size. */
  see(bytes: Uint8Array): void;
  /** What the terminal must be sent to be as it was; the cursor stays where the screen lets it. */
  undo(): string;
}

/** DEC private modes that a terminal starts with: key repeat, wrapping, a visible cursor. */
const onAtStart: ReadonlySet<string> = new Set(["7", "8", "25"]);
/** The alternate screen, which is left last: other modes are the screen's own, or move the cursor. */
const screens: ReadonlySet<string> = new Set(["47", "1047", "1049"]);

// oxlint-disable-next-line no-control-regex -- terminals are spoken to in these
const modeChange = /\x1b(?:c|\[(?<kind>[?>=<]?)(?<values>[\d;]*)(?<final>[hlru]))/g;
// oxlint-disable-next-line no-control-regex -- see above
const unfinished = /\x1b(?:\[[?>=<]?[\d;]{0,40})?$/;

/**
 * The modes are followed, because undoing one that is not set can move the cursor (`?1049l`, `?6l`) or clear the screen
 * (`?3l`).
 */
export function followTerminalModes(): TerminalModes {
  const changed = new Set<string>();
  let hasKeyboardFlags = false;
  let rest = "";
  return {
    see(bytes) {
      const text = rest + Buffer.from(bytes).toString("latin1");
      rest = unfinished.exec(text)?.[0] ?? "";
      for (const { groups = {} } of text.matchAll(modeChange)) {
        const { kind, values = "", final } = groups;
        if (final === undefined) changed.clear();
        else if (final === "u") hasKeyboardFlags ||= kind === ">" || kind === "=";
        else if (kind === "?" && final !== "r") {
          for (const mode of values.split(";")) {
            if (onAtStart.has(mode) === (final === "h")) changed.delete(mode);
            else changed.add(mode);
          }
        }
      }
    },
    undo() {
      const back = (mode: string): string => `\x1b[?${mode}${onAtStart.has(mode) ? "h" : "l"}`;
      const modes = [...changed];
      return [
        endOfString,
        ...modes.filter((mode) => !screens.has(mode)).map(back),
        ...modes.filter((mode) => screens.has(mode)).map(back),
        wholeScreenScrolls,
        hasKeyboardFlags ? "\x1b[=0u" : "",
        plain,
      ].join("");
    },
  };
}

/** A guest that ended in the middle of a title or an image would take all that follows for it. */
const endOfString = "\x1b\\";
/** It moves the cursor, which is kept for that. */
const wholeScreenScrolls = "\x1b7\x1b[r\x1b8";
/** Keypad with digits, no inserting, modified keys as usual, ASCII, no colours. */
const plain = "\x1b>\x1b[4l\x1b[>4m\x1b(B\x0f\x1b[0m";
