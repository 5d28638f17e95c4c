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

test("random bytes around frames never make the reader fail or forget the next frame", () => {
  let seed = 42;
  const random = (below: number): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return Math.floor((seed / 2_147_483_648) * below);
  };
  const alphabet = [
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
  ];
  for (let round = 0; round < 2000; round += 1) {
    const noise = Array.from({ length: random(20) }, () => alphabet[random(alphabet.length)]).join(
      "",
    );
    const { frames } = read(`${noise}\n\n${frame("last")}`, []);
    expect(frames.at(-1)).toBe("last");
  }
});
