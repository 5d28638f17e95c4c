import fc from "fast-check";
import { describe, expect, test } from "vitest";
import { createTrailerReader, type Trailer } from "../../../../src/guest/lane/trailer-reader.ts";

const key = "0123456789abcdef0123456789abcdef";

interface Seen {
  readonly payload: Buffer;
  readonly trailers: readonly Trailer[];
}

function readAll(pieces: readonly Uint8Array[]): Seen {
  const payload: Buffer[] = [];
  const trailers: Trailer[] = [];
  const reader = createTrailerReader({
    onPayload: (bytes) => payload.push(Buffer.from(bytes)),
    onTrailer: (trailer) => trailers.push(trailer),
  });
  reader.expect(key);
  for (const piece of pieces) reader.read(piece);
  // What is held back as the beginning of a trailer that never came.
  reader.expect("");
  return { payload: Buffer.concat(payload), trailers };
}

function cut(bytes: Buffer, places: readonly number[]): Buffer[] {
  const ends = [...places.map((place) => place % (bytes.length + 1)), bytes.length].toSorted(
    (one, other) => one - other,
  );
  return ends.map((end, index) => bytes.subarray(ends[index - 1] ?? 0, end));
}

// Plain bytes, beginnings of the key, and whole keys without a trailer behind them.
const almost = fc.array(
  fc.oneof(
    fc.uint8Array({ maxLength: 60 }),
    fc.nat(32).map((length) => Buffer.from(key.slice(0, length))),
    fc
      .constantFrom(` 000 e 2`, ` 000 x 0\n`, ` 0a0 e 0\n`, "\n")
      .map((tail) => Buffer.from(key + tail)),
  ),
  { maxLength: 12 },
);

const numRuns = Number(process.env["DRYBOOT_FUZZ_INPUTS"] ?? 3500);

describe("the reader of a worker's port", () => {
  test("finds the trailer at any cut, and nothing else of the payload", () => {
    fc.assert(
      fc.property(
        almost,
        fc.uint8Array({ maxLength: 50 }),
        fc.array(fc.nat(), { maxLength: 8 }),
        fc.nat(255),
        (before, after, places, status) => {
          const payload = Buffer.concat(before);
          const trailer = Buffer.from(`${key} ${String(status).padStart(3, "0")} e 1\n`);
          const seen = readAll(cut(Buffer.concat([payload, trailer, after]), places));
          const [first] = seen.trailers;
          // A tail of the payload that happens to be the key's beginning is still payload.
          expect(first).toEqual({ status, how: "e", held: true });
          expect(seen.trailers).toHaveLength(1);
          expect(seen.payload.equals(Buffer.concat([payload, after]))).toBe(true);
        },
      ),
      { numRuns },
    );
  }, 3_600_000);

  test("takes no trailer with another key", () => {
    const other = Buffer.from(`${key.replace("0", "f")} 000 e 0\n`);
    expect(readAll([other])).toEqual({ payload: other, trailers: [] });
  });

  test("loses no byte of anything, however it is cut", () => {
    fc.assert(
      fc.property(
        fc.uint8Array({ maxLength: 300 }),
        fc.array(fc.nat(), { maxLength: 5 }),
        (bytes, places) => {
          const whole = Buffer.from(bytes);
          expect(readAll(cut(whole, places)).payload.equals(whole)).toBe(true);
        },
      ),
      { numRuns },
    );
  }, 3_600_000);

  test("holds back less than a trailer of a flood that never ends", () => {
    let given = 0;
    let handed = 0;
    const reader = createTrailerReader({
      onPayload: (bytes) => {
        handed += bytes.length;
      },
      onTrailer: () => {},
    });
    reader.expect(key);
    for (let time = 0; time < 2000; time += 1) {
      const piece = Buffer.from(key.repeat(3).slice(0, time % 90));
      reader.read(piece);
      given += piece.length;
      expect(given - handed).toBeLessThan(41);
    }
  });
});
