import {
  closeSync,
  constants,
  fstatSync,
  ftruncateSync,
  openSync,
  readSync,
  renameSync,
  rmSync,
  writeSync,
} from "node:fs";
import { performance } from "../clock.ts";

/** A file that keeps its beginning and its end when more is written to it than it may hold. */
export interface BoundedFile {
  /** Writes one record; the gap between beginning and end lies between two of them. */
  write(record: string): void;
  /** Puts beginning and end together. */
  close(): void;
}

export interface BoundedFileOptions {
  /** The file that is there goes on; a new one must not be there. @default false */
  readonly goesOn?: boolean;
  /** How large the file may become; one that goes on may grow by as much. @default 67108864 (64 MiB) */
  readonly maxBytes?: number;
  /** The record that stands for those that were left out; the first of them came at this time. */
  readonly gap: (leftOutBytes: number, sinceMs: number) => string;
  /** Called once, when nothing more can be written; what was written stays. */
  readonly onFailure: (error: unknown) => void;
}

/**
 * Opens a new file. A quarter of its size is for the beginning. Behind that the records go to
 * `.newer` beside it, which becomes `.older` when it holds as much as half of the rest.
 */
export function openBoundedFile(
  path: string,
  { goesOn = false, maxBytes = 64 * 1024 * 1024, gap, onFailure }: BoundedFileOptions,
): BoundedFile {
  const headBytes = maxBytes / 4;
  const tailBytes = (maxBytes - headBytes) / 2;
  let head: Segment | undefined;
  let older: Segment | undefined;
  let newer: Segment | undefined;
  let gapSinceMs = 0;
  let leftOutBytes = 0;

  const attempt = (act: () => void): void => {
    try {
      act();
    } catch (error) {
      for (const segment of [head, older, newer]) release(segment);
      head = older = newer = undefined;
      onFailure(error);
    }
  };
  const current = (): Segment | undefined => {
    if (head === undefined) return undefined;
    if (newer === undefined && head.bytes < headBytes) return head;
    if (newer !== undefined && newer.bytes < tailBytes) return newer;
    if (newer === undefined) gapSinceMs = performance.now();
    else {
      renameSync(newer.path, `${path}.older`);
      leftOutBytes += older?.bytes ?? 0;
      release(older);
      older = { ...newer, path: `${path}.older` };
      // Whatever fails next, no descriptor is closed twice.
      newer = undefined;
    }
    newer = openSegment(`${path}.newer`);
    return newer;
  };

  attempt(() => {
    head = goesOn ? openAgain(path) : openSegment(path);
  });
  return {
    write: (record) =>
      attempt(() => {
        const segment = current();
        if (segment !== undefined) append(segment, Buffer.from(record));
      }),
    close: () =>
      attempt(() => {
        if (head === undefined) return;
        if (leftOutBytes > 0) append(head, Buffer.from(gap(leftOutBytes, gapSinceMs)));
        for (const segment of [older, newer]) {
          if (segment === undefined) continue;
          copy(segment, head);
          rmSync(segment.path);
        }
        for (const segment of [head, older, newer]) release(segment);
        head = older = newer = undefined;
      }),
  };
}

interface Segment {
  readonly path: string;
  readonly descriptor: number;
  bytes: number;
}

function openSegment(path: string): Segment {
  // Not over what an earlier guest left in a kept directory, and not through somebody's link.
  return { path, descriptor: openSync(path, "ax+", 0o600), bytes: 0 };
}

function openAgain(path: string): Segment {
  const { O_APPEND, O_CREAT, O_NOFOLLOW, O_RDWR } = constants;
  const descriptor = openSync(path, O_APPEND | O_CREAT | O_NOFOLLOW | O_RDWR, 0o600);
  return { path, descriptor, bytes: fstatSync(descriptor).size };
}

/** Synchronous, so that a slow disk holds the guest back and does not fill this process's memory. */
function append(segment: Segment, bytes: Uint8Array): void {
  try {
    for (let at = 0; at < bytes.length;) at += writeSync(segment.descriptor, bytes, at);
  } catch (error) {
    // A full disk takes a part of a record; who reads the file expects whole ones.
    ftruncateSync(segment.descriptor, segment.bytes);
    throw error;
  }
  segment.bytes += bytes.length;
}

function copy(from: Segment, to: Segment): void {
  const buffer = Buffer.alloc(1024 * 1024);
  for (let at = 0; at < from.bytes;) {
    const length = readSync(from.descriptor, buffer, 0, buffer.length, at);
    if (length === 0) return;
    append(to, buffer.subarray(0, length));
    at += length;
  }
}

function release(segment: Segment | undefined): void {
  if (segment !== undefined) closeSync(segment.descriptor);
}
