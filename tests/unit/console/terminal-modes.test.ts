import { Terminal } from "@xterm/headless";
import { expect, test } from "vitest";
import { followTerminalModes } from "../../../src/console/terminal-modes.ts";

/** A terminal on which the user's shell has said something, and then a guest. */
async function afterGuest(...chunks: readonly string[]) {
  const terminal = new Terminal({ cols: 40, rows: 10, allowProposedApi: true });
  const write = (text: string): Promise<void> =>
    new Promise((resolve) => terminal.write(text, resolve));
  await write("$ dryboot boot web\r\n");
  const modes = followTerminalModes();
  for (const chunk of chunks) {
    modes.see(Buffer.from(chunk));
    await write(chunk);
  }
  await write(modes.undo());
  const { active } = terminal.buffer;
  const { cursorX, cursorY } = active;
  await write("~");
  return {
    modes: terminal.modes,
    screen: active.type,
    cursor: [cursorX, cursorY],
    lines: [0, 1, 2].map((row) => active.getLine(row)?.translateToString(true)),
    character: active.getLine(cursorY)?.getCell(cursorX),
    terminal,
    write,
  };
}

const asAtStart = new Terminal({ allowProposedApi: true }).modes;

test.for([
  ["a full-screen editor", "\x1b[?1049h\x1b[?1h\x1b=\x1b[?2004h\x1b[1;9r\x1b[?25l\x1b[5;5Htext"],
  ["a mouse, focus and paste", "\x1b[?1000;1002;1003;1006h\x1b[?1004h\x1b[?2004h"],
  ["origin, inserting and no wrapping", "\x1b[3;8r\x1b[?6h\x1b[4h\x1b[?7l"],
] as const)("%s, left in the middle, leaves the terminal as it was", async ([, text]) => {
  const { modes, screen } = await afterGuest(text);
  expect(modes).toEqual(asAtStart);
  expect(screen).toBe("normal");
});

test("what stood on the screen before an editor stands there again", async () => {
  const { lines, cursor } = await afterGuest("~ # vi\r\n", "\x1b[?10", "49h\x1b[2J\x1b[Htext");
  expect(lines).toEqual(["$ dryboot boot web", "~ # vi", "~"]);
  expect(cursor).toEqual([0, 2]);
});

test("a guest that changed nothing has the cursor stay", async () => {
  const { lines, cursor } = await afterGuest("login: ", "\x1b[1mroot\x1b[0m");
  expect(cursor).toEqual([11, 1]);
  expect(lines).toEqual(["$ dryboot boot web", "login: root~", ""]);
});

test("the whole screen scrolls again", async () => {
  const { write, terminal } = await afterGuest("\x1b[2;4r");
  await write(`\x1b[1;1Hfirst\x1b[10;1H\n`);
  expect(terminal.buffer.active.baseY).toBe(1);
});

test("colours, line drawing and a title without an end stop at the guest's end", async () => {
  const { character } = await afterGuest("\x1b[1;31m\x1b(0\x1b]0;a title that does not end");
  expect(character?.getChars()).toBe("~");
  expect(character?.isAttributeDefault()).toBe(true);
});
