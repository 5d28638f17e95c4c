import { createHash } from "node:crypto";
import { expect, test } from "vitest";
import { payloadLineLength } from "../../../src/guest/agent.ts";
import { GuestLostError } from "../../../src/errors.ts";
import type { Conversation, Frame } from "../../../src/guest/serial-link.ts";
import { complete } from "../../../src/guest/serial-output.ts";
import { Collector, parseReport, type Report } from "../../../src/guest/serial-result.ts";

const pace = { pollMs: 1, graceMs: 10, giveUpMs: 10, stallMs: 50 };

const lines = Array.from({ length: 7000 }, (_, index) =>
  String(index).padStart(payloadLineLength, "0"),
);

function reportOf(all: readonly string[]): Report {
  const hash = createHash("sha256").update(`${all.join("\n")}\n`);
  const report = parseReport(`0:0:0:b${all.length},${hash.digest("hex").slice(0, 16)},9:-:0:0`);
  if (report === undefined) throw new TypeError("no report");
  return report;
}

/** A guest that answers requests for lines by `answer`. */
function answering(answer: (index: number) => string | undefined): Conversation {
  const frames: Frame[] = [];
  return {
    send(_, stream, start, count) {
      for (let index = Number(start); index < Number(start) + Number(count); index += 1) {
        const line = answer(index);
        if (line !== undefined) frames.push({ verb: "L", rest: `${stream}:${index}:${line}` });
      }
    },
    async next(deadline) {
      const frame = frames.shift();
      if (frame === undefined) await deadline.sleep(Infinity);
      return frame;
    },
    during: async (promise) => promise,
    lost: (message) => new GuestLostError(message, { code: "GUEST_LOST" }),
    [Symbol.dispose]() {},
  };
}

test("a large output of which one line was wrong is asked for once more, however many requests that takes", async () => {
  const collector = new Collector(4_000_000);
  for (const [index, line] of lines.entries()) {
    collector.line(`o:${index}:${index === 77 ? lines[78] : line}`);
  }
  const report = reportOf(lines);
  await complete(
    answering((index) => lines[index]),
    collector,
    report,
    pace,
  );
  expect(collector.missing(report)).toBeUndefined();
});

test("an output of which nothing more comes fails after a while", async () => {
  let asked = 0;
  const guest = answering(() => {
    asked += 1;
    return undefined;
  });
  const call = complete(guest, new Collector(4_000_000), reportOf(lines), pace);
  await expect(call).rejects.toThrow(
    "a command's output did not come whole over the guest's console: 50 ms were not enough",
  );
  expect(asked).toBeGreaterThan(2);
});

test("an output that is wrong each time it comes fails in the end", async () => {
  const few = lines.slice(0, 1);
  const guest = answering(() => lines[1]);
  await expect(complete(guest, new Collector(4_000_000), reportOf(few), pace)).rejects.toThrow(
    /530 ms were not enough$/,
  );
});
