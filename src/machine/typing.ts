import { UsageError } from "../errors.ts";
import type { Monitor } from "./monitor.ts";

/** For so long each key is held; guests under TCG lose keys that come faster. */
const holdMs = 20;

const named: Readonly<Record<string, string>> = {
  "\n": "ret",
  "\t": "tab",
  "\b": "backspace",
  "\x1b": "esc",
  " ": "spc",
  "-": "minus",
  "=": "equal",
  "[": "bracket_left",
  "]": "bracket_right",
  ";": "semicolon",
  "'": "apostrophe",
  "`": "grave_accent",
  "\\": "backslash",
  ",": "comma",
  ".": "dot",
  "/": "slash",
};

const shifted: Readonly<Record<string, string>> = {
  "!": "1",
  "@": "2",
  "#": "3",
  $: "4",
  "%": "5",
  "^": "6",
  "&": "7",
  "*": "8",
  "(": "9",
  ")": "0",
  _: "-",
  "+": "=",
  "{": "[",
  "}": "]",
  ":": ";",
  '"': "'",
  "~": "`",
  "|": "\\",
  "<": ",",
  ">": ".",
  "?": "/",
};

/** The keys of an American keyboard that make a character, named as QEMU names them. @throws UsageError */
export function keysOf(character: string): string[] {
  const below =
    shifted[character] ?? (/[A-Z]/.test(character) ? character.toLowerCase() : undefined);
  if (below !== undefined) return ["shift", ...keysOf(below)];
  if (/[a-z0-9]/.test(character)) return [character];
  const key = named[character];
  if (key !== undefined) return [key];
  throw new UsageError(`no key of an American keyboard makes ${JSON.stringify(character)}`, {
    hint: "Type into the serial console with console.send, which takes any text.",
  });
}

export async function typeText(monitor: Monitor, text: string): Promise<void> {
  const strokes = [...text].map(keysOf);
  for (const keys of strokes) {
    await monitor.order("type", async (qmp, deadline) => {
      await qmp.execute("send-key", {
        arguments: { keys: keys.map((data) => ({ type: "qcode", data })), "hold-time": holdMs },
        deadline,
      });
      // QEMU answers before the key is up again, and queues only so many.
      await deadline.sleep(2 * holdMs);
    });
  }
}
