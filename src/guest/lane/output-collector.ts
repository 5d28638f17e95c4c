/** Keeps the first `maxBytes` of an output in one buffer, however small the pieces. */
export class OutputCollector {
  readonly #maxBytes: number;
  #buffer = Buffer.alloc(0);
  #length = 0;
  truncated = false;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  add(bytes: Uint8Array): void {
    const room = this.#maxBytes - this.#length;
    if (bytes.length > room) this.truncated = true;
    const length = Math.min(bytes.length, room);
    if (length === 0) return;
    if (this.#length + length > this.#buffer.length) this.#grow(this.#length + length);
    this.#buffer.set(bytes.subarray(0, length), this.#length);
    this.#length += length;
  }

  bytes(): Uint8Array {
    return this.#buffer.subarray(0, this.#length);
  }

  #grow(atLeast: number): void {
    const size = Math.min(this.#maxBytes, Math.max(atLeast, this.#buffer.length * 2, 256));
    const next = Buffer.alloc(size);
    next.set(this.bytes());
    this.#buffer = next;
  }
}
