import type { OutputStream } from "../channel.ts";

/** What processes wrote that outlived their command. */
export interface LateOutput {
  readonly command: string;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
}

interface Entry {
  readonly command: string;
  stdout: Buffer;
  stderr: Buffer;
}

const maxCommands = 16;
const maxBytes = 32 * 1024;

/** Keeps late output apart from the results, the newest of it when there is much. */
export class LateOutputs {
  readonly #entries = new Map<number, Entry>();

  add(serial: number, command: string, stream: OutputStream, bytes: Uint8Array): void {
    const entry = this.#entries.get(serial) ?? {
      command,
      stdout: Buffer.alloc(0),
      stderr: Buffer.alloc(0),
    };
    const joined = Buffer.concat([entry[stream], bytes.subarray(-maxBytes)]);
    entry[stream] = joined.length > maxBytes ? Buffer.from(joined.subarray(-maxBytes)) : joined;
    this.#entries.set(serial, entry);
    const oldest = this.#entries.keys().next().value;
    if (this.#entries.size > maxCommands && oldest !== undefined) this.#entries.delete(oldest);
  }

  all(): readonly LateOutput[] {
    return [...this.#entries.values()];
  }
}
