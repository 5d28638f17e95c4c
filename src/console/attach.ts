import { performance } from "../clock.ts";
import type { Console } from "./console.ts";
import { followTerminalModes } from "./terminal-modes.ts";

/** The user's own terminal: `process.stdin` and `process.stdout` have this shape. */
export interface AttachedTerminal {
  readonly input: NodeJS.ReadableStream & {
    readonly isTTY?: boolean;
    setRawMode?(raw: boolean): unknown;
  };
  readonly output: NodeJS.WritableStream & { readonly columns?: number; readonly rows?: number };
}

const leaveKey = 0x1d; // Ctrl-]
const leaveWithinMs = 1000;

/**
 * Gives a terminal to the guest's console until Ctrl-] is pressed three times within a second, the
 * input ends, or the guest does. The guest draws on the terminal itself: nothing is cleaned.
 */
export async function attach(
  console: Console,
  { input, output }: AttachedTerminal,
): Promise<"left" | "ended"> {
  let resolve = (_how: "left" | "ended"): void => {};
  const done = new Promise<"left" | "ended">((settle) => {
    resolve = settle;
  });
  const presses: number[] = [];
  const onInput = (chunk: Buffer | string): void => {
    const bytes = Buffer.from(chunk);
    for (const byte of bytes) {
      if (byte !== leaveKey) {
        presses.length = 0;
        continue;
      }
      presses.push(performance.now());
      if (presses.length > 3) presses.shift();
      const [first = 0, , third] = presses;
      if (third !== undefined && third - first <= leaveWithinMs) return resolve("left");
    }
    console.send(bytes);
  };
  const onResize = (): void => {
    if (output.columns !== undefined && output.rows !== undefined) {
      console.resize(output.columns, output.rows);
    }
  };
  const onEnd = (): void => resolve("left");
  // The real terminal answers for itself.
  const answered = console.answersQueries;
  console.answersQueries = false;
  const modes = followTerminalModes();
  const stopListening = console.onBytes((bytes) => {
    modes.see(bytes);
    output.write(bytes);
  });
  onResize();
  input.setRawMode?.(true);
  input.on("data", onInput);
  input.on("end", onEnd);
  output.on("resize", onResize);
  input.resume();
  void console.exited.then(() => resolve("ended"));
  try {
    return await done;
  } finally {
    input.off("data", onInput);
    input.off("end", onEnd);
    output.off("resize", onResize);
    input.setRawMode?.(false);
    input.pause();
    stopListening();
    console.answersQueries = answered;
    output.write(`${modes.undo()}\r\n`);
  }
}
