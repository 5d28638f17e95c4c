// The format that tcpdump and Wireshark read: https://datatracker.ietf.org/doc/draft-ietf-opsawg-pcap/
import { createWriteStream } from "node:fs";
import { once } from "node:events";
import { finished } from "node:stream/promises";
import { now } from "../../clock.ts";

/** A file to which frames are written. */
export interface PacketCapture extends AsyncDisposable {
  add(frame: Uint8Array): void;
}

const magicOfMicroseconds = 0xa1b2c3d4;
const linkTypeEthernet = 1;
const longestPacketBytes = 262_144;
/** What waits for a slow disk; frames that come then are left out. */
const longestQueueBytes = 16 * 1024 * 1024;

/** @throws the file system's error, as in ENOENT */
export async function openCapture(path: string): Promise<PacketCapture> {
  const file = createWriteStream(path, { mode: 0o600 });
  await once(file, "open");
  let failure: Error | undefined;
  file.on("error", (error) => (failure = error));
  file.write(fileHeader());
  return {
    add(frame) {
      if (failure !== undefined || file.writableLength > longestQueueBytes) return;
      file.write(packetHeader(frame.length));
      file.write(frame);
    },
    async [Symbol.asyncDispose]() {
      file.end();
      if (failure !== undefined) throw failure;
      await finished(file);
    },
  };
}

function fileHeader(): Buffer {
  const header = Buffer.alloc(24);
  header.writeUInt32LE(magicOfMicroseconds, 0);
  header.writeUInt16LE(2, 4); // version 2.4
  header.writeUInt16LE(4, 6);
  header.writeUInt32LE(longestPacketBytes, 16);
  header.writeUInt32LE(linkTypeEthernet, 20);
  return header;
}

function packetHeader(length: number): Buffer {
  const atMs = now();
  const header = Buffer.alloc(16);
  header.writeUInt32LE(Math.floor(atMs / 1000), 0);
  header.writeUInt32LE((atMs % 1000) * 1000, 4);
  header.writeUInt32LE(length, 8);
  header.writeUInt32LE(length, 12);
  return header;
}
