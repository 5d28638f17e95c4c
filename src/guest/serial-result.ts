import { createHash } from "node:crypto";
import { payloadLineLength } from "./agent.ts";
import type { CommandOutcome } from "./channel.ts";
import { signalName } from "./signal-name.ts";

type Stream = "o" | "e";

/** What the agent says of an output: nothing, the text itself, or how it can be checked. */
type Packed =
  | { readonly kind: "empty" }
  | { readonly kind: "text"; readonly bytes: Uint8Array }
  | {
      readonly kind: "lines";
      readonly count: number;
      readonly digest: string;
      readonly sizeBytes: number;
    };

export interface Report {
  readonly status: number;
  readonly signalled: boolean;
  readonly timedOut: boolean;
  readonly o: Packed;
  readonly e: Packed;
}

/** `STATUS:SIGNALLED:KILLED:STDOUT:STDERR:STATUS:SIGNALLED` */
export function parseReport(text: string): Report | undefined {
  const [status = "", signalled, killed, out = "", err = "", again, signalledAgain, ...rest] =
    text.split(":");
  if (rest.length > 0 || again !== status || signalledAgain !== signalled || !/^\d+$/.test(status))
    return undefined;
  const o = parsePacked(out);
  const e = parsePacked(err);
  if (o === undefined || e === undefined) return undefined;
  return { status: Number(status), signalled: signalled === "1", timedOut: killed === "1", o, e };
}

function parsePacked(text: string): Packed | undefined {
  if (text === "-") return { kind: "empty" };
  if (text.startsWith("t")) {
    const plain = text
      .slice(1)
      .replace(/%([0-9A-F]{2})/g, (_, hex: string) =>
        String.fromCharCode(Number.parseInt(hex, 16)),
      );
    return { kind: "text", bytes: Buffer.from(plain, "latin1") };
  }
  const [, count, digest, size] = /^b(\d+),([0-9a-f]{16}),(\d+)$/.exec(text) ?? [];
  if (digest === undefined) return undefined;
  return { kind: "lines", count: Number(count), digest, sizeBytes: Number(size) };
}

/** Bytes of output that travel. */
export function sizeOf({ o, e }: Report): number {
  return [o, e].reduce(
    (sum, packed) => sum + (packed.kind === "lines" ? packed.count * payloadLineLength : 0),
    0,
  );
}

export interface MissingLines {
  readonly stream: Stream;
  readonly start: number;
  readonly count: number;
}

// Few enough that a torn one among them is asked for again soon.
const maxRequestedLines = 32;

/** Gathers the lines of a command's output, in whatever order and however often they come. */
export class Collector {
  readonly #lines: Record<Stream, (string | undefined)[]> = { o: [], e: [] };
  readonly #maxBytes: number;
  /** How many lines have come that were not there before. */
  newLines = 0;

  constructor(maxBytes: number) {
    this.#maxBytes = maxBytes;
  }

  /** Takes `STREAM:INDEX:BASE64`; returns the index of a line that is whole. */
  line(text: string): number | undefined {
    const [, stream, number, payload] =
      /^([oe]):(\d{1,9}):([A-Za-z0-9+/]+={0,2})$/.exec(text) ?? [];
    if (stream === undefined || payload === undefined || payload.length > payloadLineLength)
      return undefined;
    const index = Number(number);
    // A guest that forges lines must not fill the memory.
    if (index * payloadLineLength > this.#maxBytes * 2 + payloadLineLength) return undefined;
    const lines = this.#lines[stream === "o" ? "o" : "e"];
    if (lines[index] === undefined) this.newLines += 1;
    lines[index] = payload;
    return index;
  }

  /** The first lines that are not there yet; `undefined` when both outputs are whole. */
  missing(report: Report): MissingLines | undefined {
    for (const stream of ["o", "e"] as const) {
      const packed = report[stream];
      if (packed.kind !== "lines") continue;
      const lines = this.#lines[stream];
      const start = firstMissing(lines, packed.count);
      if (start !== undefined) {
        let count = 1;
        while (
          count < maxRequestedLines &&
          start + count < packed.count &&
          lines[start + count] === undefined
        )
          count += 1;
        return { stream, start, count };
      }
      if (digestOf(lines.slice(0, packed.count)) !== packed.digest) {
        this.#lines[stream] = [];
        return { stream, start: 0, count: Math.min(packed.count, maxRequestedLines) };
      }
    }
    return undefined;
  }

  outcome(report: Report, durationMs: number): CommandOutcome {
    const signal = report.signalled ? signalName(report.status - 128) : undefined;
    return {
      exitCode: signal === undefined ? report.status : undefined,
      ...(signal === undefined ? {} : { signal }),
      stdout: this.#bytes("o", report.o),
      stderr: this.#bytes("e", report.e),
      truncated: [report.o, report.e].some(
        (packed) => packed.kind === "lines" && packed.sizeBytes > this.#maxBytes,
      ),
      timedOut: report.timedOut,
      durationMs,
    };
  }

  #bytes(stream: Stream, packed: Packed): Uint8Array {
    if (packed.kind === "empty") return new Uint8Array();
    if (packed.kind === "text") return packed.bytes;
    return Buffer.from(this.#lines[stream].slice(0, packed.count).join(""), "base64");
  }
}

function firstMissing(lines: readonly (string | undefined)[], count: number): number | undefined {
  for (let index = 0; index < count; index += 1) if (lines[index] === undefined) return index;
  return undefined;
}

function digestOf(lines: readonly (string | undefined)[]): string {
  const hash = createHash("sha256");
  for (const line of lines) hash.update(`${line}\n`);
  return hash.digest("hex").slice(0, 16);
}
