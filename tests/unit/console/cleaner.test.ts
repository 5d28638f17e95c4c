import { readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { Transcript } from "../../../src/console/transcript.ts";

const transcripts = new URL("../../fixtures/transcripts/", import.meta.url);
const recorded = (name: string): Buffer => readFileSync(new URL(`${name}.raw`, transcripts));

function transcribe(bytes: Uint8Array, chunk = bytes.length): { text: string; queries: string[] } {
  const queries: string[] = [];
  const transcript = new Transcript({ onQuery: (query) => queries.push(query) });
  for (let at = 0; at < bytes.length; at += chunk) transcript.write(bytes.subarray(at, at + chunk));
  return { text: transcript.since(0).text, queries };
}

const clean = (text: string): string => transcribe(Buffer.from(text)).text;

test.each([
  ["colours and cursor movement", "\x1b[0;1;31mred\x1b[0m\x1b[2;5Hhere\x1b[K", "redhere"],
  [
    "bracketed paste before a prompt",
    "\x1b[?2004h\r\r\n\x1b[1;31m[root@nixos:~]#\x1b[0m ",
    "\n[root@nixos:~]# ",
  ],
  ["window titles", "\x1b]0;root@nixos: ~\x07$ \x1b]2;one\u009ctwo", "$ two"],
  [
    "context marks of systemd 257",
    "\x1b]3008;start=a;machineid=b\x1b\\$ \x1b]3008;end=a\x1b\\",
    "$ ",
  ],
  ["device control strings", "\x1bP+q544e\x1b\\ok", "ok"],
  ["character sets", "\x1b%G\x1b(Bok", "ok"],
  ["terminal resets", "\x1bc\x1b[?7lok", "ok"],
  ["doubled returns", "one\r\r\ntwo\r\n", "one\ntwo\n"],
  ["a return within a line", "10%\r20%\r\n", "10%\n20%\n"],
  ["backspaces", " 0/16\b\b\b\b\b 1/16\b\b\b\b\bdone \n", "done \n"],
  ["sequences that were cancelled", "\x1b[0;1\x18one\x1b]0;t\x1atwo", "onetwo"],
  ["NUL, BEL and C1", "a\x00b\x07c\u009bd", "abcd"],
])("%s leave only text", (_, raw, text) => {
  expect(clean(raw)).toBe(text);
});

test("a control string whose end was lost hides nothing behind its line", () => {
  expect(clean("\x1b]0;title\r\nKernel panic\r\n")).toBe("\nKernel panic\n");
  expect(clean(`\x1b]0;${"x".repeat(5000)}Kernel panic`)).toContain("Kernel panic");
  expect(clean(`\x1b[${"1;".repeat(2500)} Kernel panic`)).toContain("Kernel panic");
});

test("bytes that are no UTF-8 are shown as such, and characters split over chunks are whole", () => {
  expect(transcribe(Buffer.from([0x61, 0xff, 0xfe, 0x62])).text).toBe("a\ufffd\ufffdb");
  expect(transcribe(Buffer.from("Speicher für …"), 1).text).toBe("Speicher für …");
});

test("the guest's questions to its terminal are told", () => {
  expect(transcribe(Buffer.from("\x1b[6n\x1b[18t\x1b[c\x1b[5n")).queries).toEqual([
    "cursor",
    "size",
    "identity",
    "status",
  ]);
});

test.each(["autologin", "slow-boot", "services-switch-poweroff", "graphical-default"])(
  "a recorded console reads the same in any chunks: %s",
  (name) => {
    const bytes = recorded(`nixos-19.03-${name}`);
    const { text } = transcribe(bytes);
    for (const chunk of [1, 7, 100]) expect(transcribe(bytes, chunk).text).toBe(text);
    expect(text).toMatch(/\n\[root@\w+:~\]# /);
    // oxlint-disable-next-line no-control-regex -- it is what must not be there
    expect(text).not.toMatch(/[\x00-\x08\x0b-\x1f\x7f]/);
  },
);

test("the memory for text is bounded and offsets stay what they were", () => {
  const transcript = new Transcript({ retainCharacters: 1000 });
  for (let line = 0; line < 1000; line += 1) transcript.write(Buffer.from(`line ${line}\n`));
  const { text, start } = transcript.since(0);
  expect(text.length).toBeLessThanOrEqual(1500);
  expect(start + text.length).toBe(transcript.end);
  expect(transcript.since(transcript.end - 9).text).toBe("line 999\n");
});

test("of systemd's moving asterisks the tail shows the last", () => {
  const transcript = new Transcript();
  transcript.write(recorded("nixos-19.03-slow-boot").subarray(0, 12_000));
  const moving = transcript.tail(100).filter((line) => line.includes("start job is running"));
  const all = transcript.since(0).text.match(/start job is running/g) ?? [];
  expect(moving.length).toBeLessThan(all.length);
});
