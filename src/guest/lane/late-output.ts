import type { CommandRequest, LateOutput, OutputStream } from "../channel.ts";

interface Entry {
  readonly command: string;
  stdout: Buffer;
  stderr: Buffer;
}

const maxCommands = 16;
const maxNames = 256;
const maxNameCharacters = 200;
const maxBytes = 32 * 1024;

/** Keeps late output apart from the results, the newest of it when there is much. */
export class LateOutputs {
  readonly #entries = new Map<number, Entry>();
  /** What the newest commands were, by their serial. */
  readonly #names = new Map<number, string>();

  started(serial: number, command: CommandRequest["command"]): void {
    const text = typeof command === "string" ? command : command.join(" ");
    this.#names.set(serial, text.slice(0, maxNameCharacters));
    if (this.#names.size > maxNames) this.#names.delete(serial - maxNames);
  }

  add(serial: number, stream: OutputStream, bytes: Uint8Array): void {
    const entry = this.#entries.get(serial) ?? {
      command: this.#names.get(serial) ?? "",
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
