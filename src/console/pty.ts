import { randomUUID } from "node:crypto";
import { spawn } from "node-pty";
import { terminate } from "../process-group.ts";
import type { Exit, Transport } from "./transport.ts";

export interface PtyOptions {
  readonly file: string;
  readonly args?: readonly string[];
  readonly cwd: string;
  readonly env: Readonly<Record<string, string | undefined>>;
  readonly columns?: number;
  readonly rows?: number;
  /** An environment entry of the program by which its escaped descendants are found at the end. */
  readonly marker?: string;
}

// node-pty closes the terminal 200 ms after its process ended, read to the end or not. So a shell
// stays until the last byte has arrived here, which it marks with a word that nobody can guess.
const wrapper = `
word=$1; shift
trap : TERM HUP INT QUIT
"$@"
status=$?
printf '\\036%s %d\\036' "$word" "$status"
read -r _
`;

/** Starts a program on a new pseudo-terminal, in a session of its own. */
export function spawnPty({
  file,
  args = [],
  cwd,
  env,
  columns = 80,
  rows = 24,
  marker,
}: PtyOptions): Transport {
  const word = randomUUID();
  const pty = spawn("/bin/sh", ["-c", wrapper, "dryboot-console", word, file, ...args], {
    name: "vt220",
    cols: columns,
    rows,
    cwd,
    env: defined(env),
    // Bytes: a decoder here would tear characters at chunk borders and spoil what is not UTF-8.
    encoding: null,
  });
  const listeners = new Set<(bytes: Uint8Array) => void>();
  const end = endDetector(word);
  let ended = false;
  const exited = new Promise<Exit>((resolve) => {
    pty.onData((data) => {
      const { bytes, status } = end.read(data);
      if (bytes.length > 0) for (const listener of listeners) listener(bytes);
      if (status === undefined || ended) return;
      ended = true;
      pty.write(Buffer.from("\n"));
      resolve(exitOf(status));
    });
    // Only when the shell was killed too.
    pty.onExit(({ exitCode, signal }) => {
      ended = true;
      resolve(signal ? { exitCode: undefined, signal } : exitOf(exitCode));
    });
  });
  const group = { leader: pty.pid, ...(marker === undefined ? {} : { environment: marker }) };
  return {
    pid: pty.pid,
    exited,
    write: (bytes) => {
      if (!ended) pty.write(Buffer.from(bytes));
    },
    resize: (width, height) => {
      if (!ended && width > 0 && height > 0) pty.resize(width, height);
    },
    onData: (listener) => {
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    async terminate(options) {
      await terminate(group, options);
      await exited;
    },
  };
}

/** A shell reports a signal as 128 and its number; QEMU and run scripts end with small codes. */
function exitOf(status: number): Exit {
  return status > 128
    ? { exitCode: undefined, signal: status - 128 }
    : { exitCode: status, signal: undefined };
}

interface EndDetector {
  read(data: Buffer): { readonly bytes: Uint8Array; readonly status: number | undefined };
}

/** Finds `␞WORD STATUS␞`, in whatever pieces it arrives. */
function endDetector(word: string): EndDetector {
  const opening = Buffer.from(`\x1e${word} `);
  // oxlint-disable-next-line no-control-regex -- see above
  const closing = /^(\d+)\x1e/;
  let held: Buffer = Buffer.alloc(0);
  return {
    read(data) {
      const all = held.length === 0 ? data : Buffer.concat([held, data]);
      const at = all.indexOf(opening);
      if (at >= 0) {
        const status = closing.exec(all.toString("latin1", at + opening.length))?.[1];
        held = status === undefined ? all.subarray(at) : Buffer.alloc(0);
        return {
          bytes: all.subarray(0, at),
          status: status === undefined ? undefined : Number(status),
        };
      }
      const candidate = all.lastIndexOf(0x1e);
      const keep =
        candidate >= 0 &&
        opening.subarray(0, all.length - candidate).equals(all.subarray(candidate));
      held = keep ? all.subarray(candidate) : Buffer.alloc(0);
      return { bytes: keep ? all.subarray(0, candidate) : all, status: undefined };
    },
  };
}

function defined(env: Readonly<Record<string, string | undefined>>): Record<string, string> {
  return Object.fromEntries(
    Object.entries(env).filter((entry): entry is [string, string] => entry[1] !== undefined),
  );
}
