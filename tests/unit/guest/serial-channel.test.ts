import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Console, spawnPty, type Transport } from "../../../src/console/index.ts";
import { Deadline } from "../../../src/deadline.ts";
import {
  login,
  openSerialChannel,
  type CommandChannel,
  type CommandOutcome,
  type CommandRequest,
} from "../../../src/guest/index.ts";

const script = fileURLToPath(new URL("../../fixtures/run-scripts/fake-guest.sh", import.meta.url));

interface Guest extends AsyncDisposable {
  readonly channel: CommandChannel;
  readonly console: Console;
  readonly directory: string;
}

async function start(wrap: (transport: Transport) => Transport = (plain) => plain): Promise<Guest> {
  const directory = mkdtempSync(join(tmpdir(), "dryboot-channel-test-"));
  const env = { ...process.env, TMPDIR: directory, NIX_DISK_IMAGE: join(directory, "disk") };
  const console = new Console(wrap(spawnPty({ file: script, cwd: directory, env })));
  const deadline = Deadline.after(20_000);
  await login(console, { deadline });
  const channel = await openSerialChannel(console, { deadline, graceMs: 200 });
  return {
    channel,
    console,
    directory,
    async [Symbol.asyncDispose]() {
      await channel[Symbol.asyncDispose]();
      await console.terminate();
      rmSync(directory, { recursive: true });
    },
  };
}

function texts({ stdout, stderr }: CommandOutcome): [string, string] {
  return [Buffer.from(stdout).toString(), Buffer.from(stderr).toString()];
}

const everyByte = Buffer.from(Array.from({ length: 2000 }, (_, index) => (index * 7) % 256));

let guest: Guest;
const run = async (request: CommandRequest): Promise<CommandOutcome> => guest.channel.run(request);

beforeAll(async () => {
  guest = await start();
});
afterAll(async () => guest[Symbol.asyncDispose]());

test("stdout, stderr and the exit code come back apart", async () => {
  const outcome = await run({ command: "echo out; echo err >&2; exit 3" });
  expect(outcome).toMatchObject({ exitCode: 3, truncated: false, timedOut: false });
  expect(texts(outcome)).toEqual(["out\n", "err\n"]);
});

test("an argument vector is read by no shell", async () => {
  const words = ["a b", "~[x]*?%41", "$HOME `id`", "\\n'\"", "ü…", "", "-n", "line\nline"];
  const outcome = await run({ command: ["printf", "%s|", ...words] });
  expect(texts(outcome)[0]).toBe(`${words.join("|")}|`);
});

test("what is binary stays what it was, in and out", async () => {
  const outcome = await run({ command: ["cat"], stdin: everyByte });
  expect(Buffer.from(outcome.stdout).equals(everyByte)).toBe(true);
});

test("commands and input longer than a line of a terminal pass", async () => {
  const long = "x".repeat(20_000);
  expect(texts(await run({ command: `echo ${long} | wc -c; wc -c`, stdin: long }))[0]).toBe(
    "20001\n20000\n",
  );
});

test("a signal is no exit code", async () => {
  expect(await run({ command: "kill -KILL $$" })).toMatchObject({
    signal: "SIGKILL",
    exitCode: undefined,
  });
  expect(await run({ command: "exit 137" })).toMatchObject({ exitCode: 137 });
});

test("environment and directory are those that were asked for", async () => {
  const value = "a 'b' \"c\"\n$d";
  const outcome = await run({
    command: 'pwd; printf %s "$VALUE"',
    environment: { VALUE: value },
    cwd: "/usr",
  });
  expect(texts(outcome)[0]).toBe(`/usr\n${value}`);
  expect(await run({ command: ["pwd"], cwd: "/nowhere" })).toMatchObject({ exitCode: 126 });
});

test("a command ends at its timeout, even if it ignores TERM", async () => {
  const outcome = await run({
    command: "echo before; trap '' TERM; while :; do sleep 0.05; done",
    timeoutMs: 150,
  });
  expect(outcome).toMatchObject({ timedOut: true, signal: "SIGKILL" });
  expect(texts(outcome)[0]).toBe("before\n");
});

test("an interrupted command fails its call and not the next", async () => {
  const call = run({ command: ["sleep", "1000"], signal: AbortSignal.timeout(100) });
  await expect(call).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(await run({ command: ["true"] })).toMatchObject({ exitCode: 0 });
});

test("output beyond the limit is dropped and said to be", async () => {
  const outcome = await run({
    command: "head -c 100000 /dev/zero | tr '\\0' x; echo err >&2",
    maxOutputBytes: 1000,
  });
  expect(outcome).toMatchObject({ exitCode: 0, truncated: true });
  expect(texts(outcome)).toEqual(["x".repeat(1000), "err\n"]);
});

test("a process in the background that keeps stdout open holds nothing back", async () => {
  const outcome = await run({ command: "sleep 1000 & echo $!" });
  expect(outcome.durationMs).toBeLessThan(20_000);
  await run({ command: ["kill", texts(outcome)[0].trim()] });
});

test("calls that overlap are queued and get their own results", async () => {
  const outcomes = await Promise.all(
    Array.from({ length: 10 }, (_, index) => run({ command: `echo ${index}; exit ${index}` })),
  );
  expect(outcomes.map((outcome) => [texts(outcome)[0], outcome.exitCode])).toEqual(
    Array.from({ length: 10 }, (_, index) => [`${index}\n`, index]),
  );
});

test("nothing of the exchange is seen on the console", async () => {
  const since = guest.console.mark();
  await run({ command: "head -c 3000 /dev/urandom" });
  expect(guest.console.transcript.since(since).text.trim()).toBe("");
});

test("a command's files are removed", async () => {
  const list = 'ls -1 "$(dirname "$(readlink /proc/$$/fd/1)")"';
  for (let index = 0; index < 20; index += 1) await run({ command: "echo x" });
  await new Promise((resolve) => setTimeout(resolve, 200));
  const names = texts(await run({ command: list }))[0]
    .trim()
    .split("\n");
  expect(new Set(names.map((name) => name.split(".")[0])).size).toBe(1);
});

test("a command that kills the shell which serves it is an error and no wait", async () => {
  await using hurt = await start();
  const killer = hurt.channel.run({
    command: "read -r _ _ _ agent _ </proc/$PPID/stat; kill -KILL $agent; sleep 1000",
  });
  await expect(killer).rejects.toMatchObject({
    code: "GUEST_LOST",
    message: expect.stringMatching(/shell .* has ended/),
  });
});

/** Puts messages into the guest's output, at random bytes, and loses some of what is typed. */
function noisy(plain: Transport): Transport {
  let seed = 1;
  const random = (): number => {
    seed = (seed * 1_103_515_245 + 12_345) % 2_147_483_648;
    return seed / 2_147_483_648;
  };
  const messages = [
    "[   12.345678] flood: ~all work~ and no play\r\n",
    "** 7 printk messages dropped **\r\n",
    "a line without a time stamp\r\n",
    "123",
  ];
  // Only the conversation with the agent: the login itself types to a shell that cannot ask again.
  let talking = false;
  return {
    ...plain,
    exited: plain.exited,
    write(bytes) {
      const text = Buffer.from(bytes).toString("latin1");
      talking ||= /^\d+ [A-Z] /.test(text);
      if (talking && random() < 0.06 && !text.includes(" Q"))
        return plain.write(bytes.subarray(0, bytes.length / 2));
      return plain.write(bytes);
    },
    onData: (listener) =>
      plain.onData((bytes) => {
        if (!talking) return listener(bytes);
        let from = 0;
        for (let at = 0; at < bytes.length; at += 1) {
          if (random() > 0.004) continue;
          const kind = random() < 0.8 ? 0 : Math.floor(random() * messages.length);
          listener(bytes.subarray(from, at));
          listener(Buffer.from(messages[kind] ?? ""));
          from = at;
        }
        listener(bytes.subarray(from));
      }),
  };
}

test.concurrent("messages in the middle of lines and lost input never make a wrong result", async () => {
  await using torn = await start(noisy);
  for (let round = 0; round < 4; round += 1) {
    const size = round * 375;
    const outcome = await torn.channel.run({
      command: `echo round ${round} >&2; cat; exit ${round}`,
      stdin: everyByte.subarray(0, size),
    });
    expect(Buffer.from(outcome.stdout).equals(everyByte.subarray(0, size))).toBe(true);
    expect([texts(outcome)[1], outcome.exitCode]).toEqual([`round ${round}\n`, round]);
  }
}, 60_000);

test.concurrent("whatever is lost once on its way to the guest is sent again", async () => {
  const lost = new Set<string>();
  await using deaf = await start((plain) => ({
    ...plain,
    write(bytes) {
      const verb = /^\d+ ([CPISR] )/.exec(Buffer.from(bytes).toString("latin1"))?.[1];
      if (verb === undefined || lost.has(verb)) return plain.write(bytes);
      lost.add(verb);
    },
  }));
  const outcome = await deaf.channel.run({ command: ["cat"], stdin: everyByte });
  expect(Buffer.from(outcome.stdout).equals(everyByte)).toBe(true);
  expect([...lost].toSorted()).toEqual(["C ", "I ", "P ", "S "]);
}, 20_000);

test("the end of the guest fails the pending command and every later one with the same cause", async () => {
  let leader = 0;
  await using lost = await start((plain) => {
    leader = plain.pid;
    return plain;
  });
  const pending = lost.channel.run({ command: ["sleep", "1000"] });
  setTimeout(() => process.kill(leader, "SIGKILL"), 100);
  const first = await pending.catch((error: unknown) => error);
  expect(first).toMatchObject({ code: "GUEST_LOST" });
  await expect(lost.channel.run({ command: ["true"] })).rejects.toMatchObject({
    code: "GUEST_LOST",
  });
});
