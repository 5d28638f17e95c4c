import { once } from "node:events";
import { connect } from "node:net";
import { join } from "node:path";
import { followTerminalModes } from "../../console/index.ts";
import { UsageError } from "../../errors.ts";
import type { Context } from "../context.ts";

/** Gives the terminal to the console of a guest that a failed test keeps (`dryboot test --pause`, `DRYBOOT_PAUSE=1`). */
export async function attach(directory: string, { io, progress }: Context): Promise<number> {
  if (io.stdin.isTTY !== true || io.stdout.isTTY !== true) {
    throw new UsageError("attach needs a terminal: stdin or stdout is none");
  }
  const socket = connect(join(directory, "console"));
  try {
    await once(socket, "connect");
  } catch (error) {
    throw new UsageError(`no guest is kept in ${directory}`, {
      cause: error,
      hint: "The directory is the one that a paused test names; it waits only while its run goes on.",
    });
  }
  progress.note("Ctrl-] three times leaves, and lets the run go on");
  // Progress must not write between the guest's lines.
  progress[Symbol.dispose]();
  const end = (): void => void socket.destroy();
  io.signal.addEventListener("abort", end, { once: true });
  io.stdin.setRawMode?.(true);
  io.stdin.pipe(socket);
  const modes = followTerminalModes();
  socket.on("data", (bytes: Buffer) => modes.see(bytes));
  socket.pipe(io.stdout, { end: false });
  try {
    await once(socket, "close");
    io.signal.throwIfAborted();
  } finally {
    io.signal.removeEventListener("abort", end);
    io.stdin.unpipe(socket);
    io.stdin.setRawMode?.(false);
    io.stdin.pause();
    // The run that was to do it may be gone.
    io.stdout.write(modes.undo());
  }
  return 0;
}
