import { createHash } from "node:crypto";
import fc from "fast-check";
import { expect, test } from "vitest";
import { Collector, parseReport } from "../../../src/guest/serial-result.ts";

const lines = ["QUJD".repeat(120), "REVG".repeat(120), "R0hJ"];
const digest = createHash("sha256")
  .update(`${lines.join("\n")}\n`)
  .digest("hex")
  .slice(0, 16);
const bytes = Buffer.from(lines.join(""), "base64");
const report = parseReport(`0:0:0:b3,${digest},${bytes.length}:-:0:0`) ?? expect.fail("no report");

test("lines may come in any order and more than once", () => {
  const collector = new Collector(10_000);
  for (const index of [2, 0, 2, 1])
    expect(collector.line(`o:${index}:${lines[index]}`)).toBe(index);
  expect(collector.missing(report)).toBeUndefined();
  expect(Buffer.from(collector.outcome(report, 1).stdout).equals(bytes)).toBe(true);
});

test("a line that did not come is asked for again, and no other", () => {
  const collector = new Collector(10_000);
  collector.line(`o:0:${lines[0]}`);
  collector.line(`o:2:${lines[2]}`);
  expect(collector.missing(report)).toEqual({ stream: "o", start: 1, count: 1 });
});

test("a line that came wrong but well-formed is found by the digest", () => {
  const collector = new Collector(10_000);
  for (const [index, line] of lines.entries())
    collector.line(`o:${index}:${line.replace("QUJD", "AAAA")}`);
  expect(collector.missing(report)).toEqual({ stream: "o", start: 0, count: 3 });
  for (const [index, line] of lines.entries()) collector.line(`o:${index}:${line}`);
  expect(collector.missing(report)).toBeUndefined();
});

test("forged lines fill no memory", () => {
  const collector = new Collector(1000);
  expect(collector.line(`o:999999999:${lines[0]}`)).toBeUndefined();
  expect(collector.line(`o:0:${"A".repeat(4000)}`)).toBeUndefined();
  expect(collector.line("x:0:AAAA")).toBeUndefined();
});

test.each([
  "",
  "0",
  "0:0:0:-:-:1:0",
  "0:0:0:-:-:0:0:0",
  "x:0:0:-:-:x:0",
  "0:0:0:b1,zz,3:-:0:0",
  "0:0:0:?:-:0:0",
])("%j is no report", (text) => {
  expect(parseReport(text)).toBeUndefined();
});

test("an output that outgrew its limit is said to be cut", () => {
  const cut = parseReport(`0:0:0:b3,${digest},99999:-:0:0`) ?? expect.fail("no report");
  const collector = new Collector(bytes.length);
  for (const [index, line] of lines.entries()) collector.line(`o:${index}:${line}`);
  expect(collector.outcome(cut, 1).truncated).toBe(true);
  expect(collector.outcome(report, 1).truncated).toBe(false);
});

/** What the agent may say, whole, torn or forged. */
const said = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "0",
        ":",
        "-",
        "t",
        "b",
        ",",
        "%",
        "%0A",
        "%zz",
        "o",
        "e",
        "=",
        digest,
        lines[2],
      ),
      fc.integer({ min: -1 }).map(String),
      fc.string({ maxLength: 6 }),
    ),
    { maxLength: 16 },
  )
  .map((pieces) => pieces.join(""));

test("whatever the agent's words are, they are a report or none, and lines fill no memory", () => {
  const packed = fc.oneof(fc.constantFrom("-", "t", "ta%3A", `b3,${digest},${bytes.length}`), said);
  const whole = fc.tuple(packed, packed).map(([out, err]) => `0:0:0:${out}:${err}:0:0`);
  fc.assert(
    fc.property(fc.oneof(said, whole), fc.array(said, { maxLength: 4 }), (text, heard) => {
      const collector = new Collector(1000);
      for (const one of heard) expect(collector.line(one) ?? 0).toBeLessThan(8);
      const read = parseReport(text);
      if (read === undefined) return;
      expect(text.split(":")).toHaveLength(7);
      const missing = collector.missing(read);
      if (missing !== undefined) expect(missing.count).toBeLessThanOrEqual(32);
      else expect(collector.outcome(read, 1).stdout.length).toBeLessThan(text.length + 2000);
    }),
    { numRuns: Number(process.env["DRYBOOT_FUZZ_INPUTS"] ?? 3500) },
  );
}, 3_600_000);
