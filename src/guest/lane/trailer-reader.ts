import { trailerBytes } from "./agent.ts";

/** What a worker says at the end of a command's output, and of itself. */
export interface Trailer {
  readonly status: number;
  /** `e` exit code, `s` signal; in upper case when the timeout ended it; `c` clean again; `r` ready. */
  readonly how: "e" | "s" | "E" | "S" | "c" | "r";
  /** A process that is still running has the output open. */
  readonly held: boolean;
}

export interface TrailerReader {
  /** Hands out the next bytes as payload and trailers, in their order. */
  read(bytes: Uint8Array): void;
  /** From here on, trailers have this key. What was held back of an unfinished one is payload. */
  expect(key: string): void;
}

export interface TrailerReaderOptions {
  readonly onPayload: (bytes: Uint8Array) => void;
  readonly onTrailer: (trailer: Trailer) => void;
}

const nothing = Buffer.alloc(0);

/**
 * Splits what comes out of a port: raw payload, and trailers known by a random key that the guest's
 * processes never see. At most one unfinished trailer is held back.
 */
export function createTrailerReader({ onPayload, onTrailer }: TrailerReaderOptions): TrailerReader {
  let key = nothing;
  let held = nothing;

  const payload = (bytes: Buffer): void => {
    if (bytes.length > 0) onPayload(bytes);
  };

  return {
    expect(next) {
      const rest = held;
      held = nothing;
      payload(rest);
      key = Buffer.from(next, "latin1");
    },
    read(bytes) {
      let rest = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength);
      if (held.length > 0) rest = Buffer.concat([held, rest]);
      held = nothing;
      let from = 0;
      for (;;) {
        const at = key.length === 0 ? -1 : rest.indexOf(key, from);
        if (at === -1) break;
        if (rest.length - at < trailerBytes) {
          payload(rest.subarray(0, at));
          held = Buffer.from(rest.subarray(at));
          return;
        }
        const trailer = parseTrailer(rest.toString("latin1", at + key.length, at + trailerBytes));
        if (trailer === undefined) {
          from = at + 1;
          continue;
        }
        payload(rest.subarray(0, at));
        rest = rest.subarray(at + trailerBytes);
        from = 0;
        // This may change the key.
        onTrailer(trailer);
      }
      const open = unfinished(rest, key);
      payload(rest.subarray(0, rest.length - open));
      held = open === 0 ? nothing : Buffer.from(rest.subarray(rest.length - open));
    },
  };
}

function parseTrailer(text: string): Trailer | undefined {
  const [, status, how, held] = /^ (\d{3}) ([esEScr]) ([01])\n$/.exec(text) ?? [];
  if (status === undefined || how === undefined) return undefined;
  return { status: Number(status), how: how as Trailer["how"], held: held === "1" };
}

/** How many bytes at the end of `bytes` are the beginning of `key`. */
function unfinished(bytes: Buffer, key: Buffer): number {
  for (let length = Math.min(bytes.length, key.length - 1); length > 0; length -= 1) {
    if (bytes.compare(key, 0, length, bytes.length - length) === 0) return length;
  }
  return 0;
}
