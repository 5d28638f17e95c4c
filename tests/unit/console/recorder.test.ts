import {
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { afterEach, beforeEach, expect, test } from "vitest";
import { recordConsole, type Recorder } from "../../../src/console/recorder.ts";

let directory: string;
beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "dryboot-recorder-test-"));
});
afterEach(() => rmSync(directory, { recursive: true }));

const size = { columns: 80, rows: 24 };
const read = (name: string): string => readFileSync(join(directory, name), "utf8");

/** One chunk of the console, as the console hands it on. */
function say(recorder: Recorder, line: string): void {
  recorder.bytes(Buffer.from(`${line}\r\n`));
  recorder.line(line);
  recorder.flush();
}

type CastEvent = readonly [seconds: number, code: string, text: string];

function castEvents(): CastEvent[] {
  const [, ...lines] = read("console.cast").trimEnd().split("\n");
  return lines.map((line) => JSON.parse(line) as CastEvent);
}

test("the recording is an asciicast: a header, then events in the order of time", () => {
  const recorder = recordConsole(directory, size);
  recorder.bytes(Buffer.from("\x1b[1m«"));
  recorder.bytes(Buffer.from([0xc2]));
  recorder.bytes(Buffer.from([0xbb, 0xff, 0x00, 0x0a]));
  recorder.close();
  const header: unknown = JSON.parse(read("console.cast").split("\n")[0] ?? "");
  expect(header).toEqual({ version: 2, width: 80, height: 24, timestamp: expect.any(Number) });
  const events = castEvents();
  expect(events.map(([, code]) => code)).toEqual(["o", "o"]);
  expect(events.map(([, , text]) => text).join("")).toBe("\x1b[1m«»\ufffd\0\n");
  const seconds = events.map(([at]) => at);
  expect(seconds).toEqual(seconds.toSorted((one, other) => one - other));
});

test("a console that is longer than its files keeps its beginning and its end, with a word between", () => {
  const maxBytes = 40_000;
  let gaps = 0;
  const onGap = (): void => void (gaps += 1);
  const recorder = recordConsole(directory, { ...size, maxBytes, onGap });
  for (let number = 0; number < 5000; number += 1) say(recorder, `line ${number}`);
  recorder.close();
  expect(readdirSync(directory).toSorted()).toEqual(["console.cast", "console.log"]);

  const lines = read("console.log").trimEnd().split("\n");
  expect(gaps).toBe(1);
  expect(read("console.log").length).toBeLessThan(maxBytes * 1.05);
  expect(lines[0]).toMatch(/\] line 0$/);
  expect(lines.at(-1)).toMatch(/\] line 4999$/);
  const gap = lines.findIndex((line) =>
    /\[… 0\.\d MB of this file are left out here\]$/.test(line),
  );
  const numbers = lines.map((line) => Number(/line (\d+)$/.exec(line)?.[1]));
  expect(numbers.slice(0, gap)).toEqual([...Array(gap).keys()]);
  const rest = numbers.slice(gap + 1);
  expect(rest.length).toBeGreaterThan(gap);
  expect(rest).toEqual(rest.map((_, index) => 5000 - rest.length + index));

  const events = castEvents();
  expect(events.filter(([, code]) => code === "m")).toHaveLength(1);
  expect(events.at(-1)?.[2]).toBe("line 4999\r\n");
  const seconds = events.map(([at]) => at);
  expect(seconds).toEqual(seconds.toSorted((one, other) => one - other));
});

test("a console that is somewhat longer than the beginning is whole", () => {
  const recorder = recordConsole(directory, { ...size, maxBytes: 40_000 });
  for (let number = 0; number < 700; number += 1) say(recorder, `line ${number}`);
  recorder.close();
  const lines = read("console.log").trimEnd().split("\n");
  expect(lines.map((line) => line.slice(12))).toEqual(
    [...Array(700).keys()].map((n) => `line ${n}`),
  );
});

test.for([10, 700])(
  "a recording that goes on has all %i lines of the first boot before the second's, and one time",
  (count) => {
    const options = { ...size, maxBytes: 40_000 };
    const first = recordConsole(directory, options);
    for (let number = 0; number < count; number += 1) say(first, `line ${number}`);
    first.close();
    const second = recordConsole(directory, { ...options, continues: first });
    for (let number = count; number < count + 100; number += 1) say(second, `line ${number}`);
    second.close();

    const wanted = [...Array(count + 100).keys()].map((number) => `line ${number}`);
    wanted.splice(count, 0, "[the guest is started again]");
    const lines = read("console.log").trimEnd().split("\n");
    expect(lines.map((line) => line.slice(12))).toEqual(wanted);
    const events = castEvents();
    expect(events.map(([, , text]) => text.replace("the guest", "[the guest").trimEnd())).toEqual(
      wanted.map((line) => line.replace("]", "")),
    );
    const seconds = events.map(([at]) => at);
    expect(seconds).toEqual(seconds.toSorted((one, other) => one - other));
    expect(readdirSync(directory).toSorted()).toEqual(["console.cast", "console.log"]);
  },
);

test("only their owner may read what a console showed", () => {
  recordConsole(directory, size).close();
  for (const name of ["console.log", "console.cast"]) {
    expect(statSync(join(directory, name)).mode & 0o777).toBe(0o600);
  }
});

test("nothing is written over an earlier recording, nor through a link", () => {
  const elsewhere = join(directory, "elsewhere");
  writeFileSync(elsewhere, "precious");
  symlinkSync(elsewhere, join(directory, "console.log"));
  writeFileSync(join(directory, "console.cast"), "of an earlier guest");
  const failures: unknown[] = [];
  const recorder = recordConsole(directory, {
    ...size,
    onFailure: (error) => failures.push(error),
  });
  say(recorder, "line");
  recorder.close();
  expect(read("elsewhere")).toBe("precious");
  expect(read("console.cast")).toBe("of an earlier guest");
  expect(failures).toMatchObject([{ code: "EEXIST" }]);
});

test("a recording that can be written no further ends, and nothing else does", () => {
  const failures: unknown[] = [];
  const recorder = recordConsole(directory, {
    ...size,
    maxBytes: 4000,
    onFailure: (error) => failures.push(error),
  });
  const older = join(directory, "console.log.older");
  for (let number = 0; !existsSync(older); number += 1) say(recorder, `line ${number}`);
  rmSync(older);
  mkdirSync(older);
  for (let number = 0; number < 1000; number += 1) say(recorder, `line ${number}`);
  recorder.close();
  expect(failures).toMatchObject([{ syscall: "rename" }]);
  expect(read("console.log")).toMatch(/\] line 0\n/);
});
