// Ethernet frames on a stream as QEMU's `-netdev stream` has them: four bytes of length, big-endian, then the frame.

/** More than QEMU ever sends: 64 KiB of payload, and a header. */
const longestFrameBytes = 69_632;
const lengthBytes = 4;

/** Where the stream holds no frame any more. */
export class FrameStreamError extends Error {}

/** Takes chunks of a stream; gives the frames that are whole. */
export function frameReader(): (chunk: Uint8Array) => Buffer[] {
  let rest: Buffer = Buffer.alloc(0);
  return (chunk) => {
    rest = rest.length === 0 ? Buffer.from(chunk) : Buffer.concat([rest, chunk]);
    const frames: Buffer[] = [];
    let start = 0;
    while (rest.length - start >= lengthBytes) {
      const length = rest.readUInt32BE(start);
      if (length > longestFrameBytes) throw new FrameStreamError(`a frame of ${length} bytes`);
      const end = start + lengthBytes + length;
      if (rest.length < end) break;
      frames.push(rest.subarray(start + lengthBytes, end));
      start = end;
    }
    rest = rest.subarray(start);
    return frames;
  };
}

export function framed(frame: Uint8Array): Buffer {
  const bytes = Buffer.allocUnsafe(lengthBytes + frame.length);
  bytes.writeUInt32BE(frame.length);
  bytes.set(frame, lengthBytes);
  return bytes;
}
