import fc from "fast-check";
import { expect, test } from "vitest";
import { createFrameReader } from "../../../src/guest/frame-reader.ts";

const token = "0a1b2c3d4e5f";

function frame(body: string): string {
  return `~${token}:${body.length}:${body}~\r\n`;
}

function read(stream: string, cuts: readonly number[] = []): { frames: string[]; rest: string } {
  const frames: string[] = [];
  const reader = createFrameReader(token, (body) => frames.push(body));
  const edges = [0, ...cuts, stream.length];
  const rest = edges
    .slice(1)
    .map((edge, index) => reader.read(Buffer.from(stream.slice(edges[index], edge), "latin1")))
    .map((bytes) => Buffer.from(bytes).toString("latin1"));
  return { frames, rest: rest.join("") };
}

const bodies = ["A:1", "D:1:0:0:0:-:thello%0A:0:0"];
const stream = bodies.map(frame).join("");

test("frames are taken out and everything else is passed on in its order", () => {
  expect(read(`before ~ and ~${token} [root@nixos:~]# ${stream}after\n`)).toEqual({
    frames: bodies,
    rest: `before ~ and ~${token} [root@nixos:~]# after\n`,
  });
});

test("a stream that is cut anywhere gives the same frames", () => {
  for (let cut = 0; cut <= stream.length; cut += 1) {
    expect(read(stream, [cut])).toEqual({ frames: bodies, rest: "" });
  }
});

test("a kernel message at any byte neither harms a frame nor is lost", () => {
  const message = "[   12.345678] random: ~crng~ init done\r\n** 3 printk messages dropped **\r\n";
  for (let at = 0; at <= stream.length; at += 1) {
    const { frames, rest } = read(stream.slice(0, at) + message + stream.slice(at));
    expect(frames).toEqual(bodies);
    expect(rest.split(/[\r\n]+/).filter(Boolean)).toEqual(message.split("\r\n").filter(Boolean));
  }
});

test("what only began like a frame is passed on behind the message that came into it", () => {
  expect(read("say ~[   1.0] panic\r\n0a")).toEqual({ frames: [], rest: "say [   1.0] panic\r\n" });
  expect(read("say ~[   1.0] panic\r\n0a!").rest).toBe("say [   1.0] panic\r\n~0a!");
});

test("a flood that leaves sixteen bytes between two messages harms no frame", () => {
  const message = "[   99.000001] flood: all work and no play\r\n";
  const flooded = stream.replace(/.{16}/gs, (piece) => piece + message);
  expect(read(flooded).frames).toEqual(bodies);
});

test("a frame that falls into another one is read, and the other is none", () => {
  const [outer, inner] = [frame("D:1:0:0"), frame("D:2:0:0")];
  for (let at = 1; at < outer.length - 3; at += 1) {
    expect(read(outer.slice(0, at) + inner + outer.slice(at)).frames).toEqual(["D:2:0:0"]);
  }
});

test("other text in a frame makes it no frame, never another one", () => {
  for (const noise of ["random: crng init done\r\n", "0", "xyz", ":", "7:", "~", "\n"]) {
    for (let at = 0; at < frame("A:12").length - 2; at += 1) {
      const whole = frame("A:12");
      const { frames } = read(whole.slice(0, at) + noise + whole.slice(at));
      expect([[], ["A:12"]]).toContainEqual(frames);
    }
  }
});

const numRuns = Number(process.env["DRYBOOT_FUZZ_INPUTS"] ?? 3500);
const longRunMs = 3_600_000;

/** Whole and torn frames, what begins one, what a console holds else, and bytes of any kind. */
const noise = fc
  .array(
    fc.oneof(
      fc.constantFrom(
        "~",
        token,
        ":",
        "[",
        "*",
        "\r",
        "\n",
        "\x1b",
        "\x00",
        "\xff",
        "12",
        "D",
        stream,
      ),
      fc.nat(stream.length).map((length) => stream.slice(0, length)),
      fc.uint8Array({ maxLength: 9 }).map((bytes) => Buffer.from(bytes).toString("latin1")),
    ),
    { maxLength: 20 },
  )
  .map((pieces) => pieces.join(""));

const places = fc.array(fc.nat(), { maxLength: 6 });

/** Ascending places in a text. */
const within = (text: string, numbers: readonly number[]): number[] =>
  numbers.map((number) => number % (text.length + 1)).toSorted((one, other) => one - other);

test(
  "no bytes before a frame, however they are cut, make the reader fail or forget the frame",
  () => {
    fc.assert(
      fc.property(noise, places, (before, numbers) => {
        const text = `${before}\n\n${frame("last")}`;
        const { frames, rest } = read(text, within(text, numbers));
        expect(frames.at(-1)).toBe("last");
        expect(rest.length).toBeLessThan(text.length);
      }),
      { numRuns },
    );
  },
  longRunMs,
);

test(
  "kernel messages anywhere in frames, however they are cut, harm none and are all passed on",
  () => {
    const bodyText = fc.stringMatching(/^[A-Za-z0-9:%+/=-]{1,60}$/);
    const message = fc
      .stringMatching(/^(\[ |\*\* )[ -~]{0,40}$/)
      // What could be a frame that another message tore is put behind that message.
      .filter((text) => !/~[0-9a-f]*[[*]/.test(text))
      .map((text) => `${text}\r\n`);
    fc.assert(
      fc.property(
        fc.array(bodyText, { minLength: 1, maxLength: 4 }),
        fc.array(fc.tuple(message, fc.nat()), { maxLength: 5 }),
        places,
        (sent, messages, numbers) => {
          const whole = sent.map(frame).join("");
          const at = within(
            whole,
            messages.map(([, place]) => place),
          );
          let text = "";
          for (const [index, [inserted]] of messages.entries()) {
            text += whole.slice(at[index - 1] ?? 0, at[index]) + inserted;
          }
          text += whole.slice(at.at(-1) ?? 0);
          const { frames, rest } = read(text, within(text, numbers));
          expect(frames).toEqual(sent);
          const lines = (all: string): string[] => all.split(/[\r\n]+/).filter(Boolean);
          expect(lines(rest)).toEqual(lines(messages.map(([inserted]) => inserted).join("")));
        },
      ),
      { numRuns },
    );
  },
  longRunMs,
);
