import { readFile, rm } from "node:fs/promises";
import { crc32, deflateSync } from "node:zlib";
import type { Deadline } from "../deadline.ts";
import { QmpError, type Qmp } from "./qmp.ts";

/** What the guest's display shows, as a PNG image; `file` is a path that QEMU may write for it. */
export async function takeScreenshot(
  qmp: Qmp,
  { file, deadline }: { readonly file: string; readonly deadline: Deadline },
): Promise<Uint8Array> {
  try {
    // QEMU writes PNG itself only since 7.1, and only where it was built with it.
    await qmp.execute("screendump", { arguments: { filename: file }, deadline });
    return pngOf(await readFile(file));
  } finally {
    await rm(file, { force: true });
  }
}

/** Presses keys together, named as QEMU names them: `ret`, `ctrl-alt-delete`. */
export async function pressKeys(qmp: Qmp, keys: string, deadline: Deadline): Promise<void> {
  await qmp.execute("send-key", {
    arguments: { keys: keys.split("-").map((data) => ({ type: "qcode", data })) },
    deadline,
  });
}

/** A portable pixmap, three bytes a pixel, as PNG. */
function pngOf(pixmap: Uint8Array): Uint8Array {
  const image = Buffer.from(pixmap);
  const head = /^P6\s+(\d+)\s+(\d+)\s+255\s/.exec(image.toString("latin1", 0, 100));
  if (head === null) throw new QmpError("QEMU wrote no pixmap of its display");
  const [width, height] = [Number(head[1]), Number(head[2])];
  const pixels = image.subarray(head[0].length);
  const rowBytes = width * 3;
  // Each row begins with its filter: none.
  const rows = Buffer.alloc(height * (rowBytes + 1));
  for (let row = 0; row < height; row += 1) {
    pixels.copy(rows, row * (rowBytes + 1) + 1, row * rowBytes, (row + 1) * rowBytes);
  }
  const header = Buffer.alloc(13);
  header.writeUInt32BE(width, 0);
  header.writeUInt32BE(height, 4);
  header.set([8, 2, 0, 0, 0], 8); // 8 bits, three colours, no interlacing
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk("IHDR", header),
    chunk("IDAT", deflateSync(rows)),
    chunk("IEND", Buffer.alloc(0)),
  ]);
}

function chunk(type: string, data: Buffer): Buffer {
  const body = Buffer.concat([Buffer.from(type, "latin1"), data]);
  const framed = Buffer.alloc(body.length + 8);
  framed.writeUInt32BE(data.length, 0);
  body.copy(framed, 4);
  framed.writeUInt32BE(crc32(body), body.length + 4);
  return framed;
}
