// What a guest may send is anything. `DRYBOOT_FUZZ_INPUTS=1000000` makes this the long run.
import { readdirSync, readFileSync } from "node:fs";
import fc from "fast-check";
import { expect, test } from "vitest";
import { cleanText } from "../../../src/console/cleaner.ts";
import { Console } from "../../../src/console/index.ts";
import { Transcript } from "../../../src/console/transcript.ts";
import { Deadline } from "../../../src/deadline.ts";
import { scriptedTransport } from "../../fixtures/scripted-transport.ts";

const inputs = Number(process.env["DRYBOOT_FUZZ_INPUTS"] ?? 10_000);
const share = (part: number): fc.Parameters<unknown> => ({ numRuns: Math.ceil(inputs * part) });
const longRunMs = 30_000 + inputs;

// Everything that a terminal obeys; a newline and a tab are text.
// oxlint-disable-next-line no-control-regex -- it is what must not be there
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

const transcripts = new URL("../../fixtures/transcripts/", import.meta.url);
const recorded = readdirSync(transcripts, { recursive: true, encoding: "utf8" })
  .filter((name) => name.endsWith(".raw"))
  .map((name) => readFileSync(new URL(name, transcripts)));

/** Beginnings, ends and whole ones of what a terminal obeys, and text that means something here. */
const pieces = [
  "\x1b",
  "\x1b[",
  "\x1b]0;",
  "\x1bP",
  "\x1b\\",
  "\x1b[6n",
  "\x1b[?2004h",
  "\x1b]3008;",
  "\x9b",
  "\u009b31m",
  "\u0090",
  "\x07",
  "\b\b",
  "\r",
  "\r\r\n",
  "\n",
  "\0",
  "\x18",
  "login: ",
  "# ",
  "\x1b]52;c;cm0K\x07",
  "é",
  "\u{1f512}",
  "0;1;31m",
  ";",
  "Kernel panic",
].map((text) => Buffer.from(text));

/** Pieces of escape sequences, whole or torn, between bytes of any kind. */
const hostileBytes = fc
  .array(
    fc.oneof(
      fc.constantFrom(...pieces),
      fc.uint8Array({ maxLength: 12 }).map((bytes) => Buffer.from(bytes)),
    ),
    { maxLength: 12 },
  )
  .map((parts) => Buffer.concat(parts));

/** A part of a real console into which something hostile was spliced. */
const mutatedBytes = fc
  .tuple(fc.constantFrom(...recorded), fc.nat(), fc.nat({ max: 150 }), fc.nat(), hostileBytes)
  .map(([bytes, start, length, at, splice]) => {
    const from = start % bytes.length;
    const part = bytes.subarray(from, from + length);
    const cut = at % (part.length + 1);
    return Buffer.concat([part.subarray(0, cut), splice, part.subarray(cut + 3)]);
  });

const anyBytes = fc.oneof(hostileBytes, mutatedBytes);
const cuts = fc.array(fc.nat({ max: 40 }), { maxLength: 12 });

/** The same bytes in chunks of these sizes. */
function* chunksOf(bytes: Uint8Array, sizes: readonly number[]): Generator<Uint8Array> {
  let at = 0;
  for (const size of sizes) yield bytes.subarray(at, (at += size));
  yield bytes.subarray(at);
}

function transcribe(chunks: Iterable<Uint8Array>): { lines: string[]; text: string } {
  const lines: string[] = [];
  const transcript = new Transcript({ onLine: (line) => lines.push(line) });
  for (const chunk of chunks) transcript.write(chunk);
  return { lines, text: transcript.since(0).text };
}

test(
  "no chunking changes the text, and nothing in it is obeyed by a terminal",
  () => {
    fc.assert(
      fc.property(anyBytes, cuts, (bytes, sizes) => {
        const whole = transcribe([bytes]);
        expect(transcribe(chunksOf(bytes, sizes))).toEqual(whole);
        expect(whole.text).not.toMatch(obeyed);
        expect(cleanText(bytes)).not.toMatch(obeyed);
      }),
      share(0.6),
    );
  },
  longRunMs,
);

test(
  "a line is found behind anything, in any chunks, unless the guest is lost before it",
  async () => {
    await fc.assert(
      fc.asyncProperty(anyBytes, cuts, async (bytes, sizes) => {
        const transport = scriptedTransport();
        const console = new Console(transport);
        const since = console.mark();
        const wait = console.expect(/\nneedle 7f3a\n/, { deadline: Deadline.after(60_000), since });
        // A line break ends whatever control string stood open.
        const all = Buffer.concat([bytes, Buffer.from("\n\nneedle 7f3a\r\n")]);
        for (const chunk of chunksOf(all, sizes)) transport.emit(chunk);
        const outcome = await wait.catch((error: unknown) => error);
        if (outcome !== console.failure) expect(outcome).toMatchObject({ index: 0 });
        expect(console.transcript.since(0).text).toMatch(/\nneedle 7f3a\n$/);
      }),
      share(0.3),
    );
  },
  longRunMs,
);

test(
  "memory is bounded, and marks stay true, whatever is sent",
  () => {
    fc.assert(
      fc.property(fc.array(anyBytes, { maxLength: 20 }), (parts) => {
        const transcript = new Transcript({ retainCharacters: 500 });
        let end = 0;
        for (const part of parts) {
          transcript.write(part);
          expect(transcript.end).toBeGreaterThanOrEqual(end);
          end = transcript.end;
          const { text, start } = transcript.since(0);
          expect(start + text.length).toBe(end);
          expect(text.length).toBeLessThan(
            500 * 1.5 + part.length + transcript.currentLine.length + 1,
          );
          expect(transcript.lineStart).toBeLessThanOrEqual(end);
        }
      }),
      share(0.1),
    );
  },
  longRunMs,
);
