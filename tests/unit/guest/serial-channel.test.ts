import {
  existsSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  statSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { basename, dirname, join } from "node:path";
import { PassThrough } from "node:stream";
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
  type SerialChannelOptions,
} from "../../../src/guest/index.ts";

const script = fileURLToPath(new URL("../../fixtures/run-scripts/fake-guest.sh", import.meta.url));

interface Guest extends AsyncDisposable {
  readonly channel: CommandChannel;
  readonly console: Console;
  readonly directory: string;
}

async function start(
  wrap: (transport: Transport) => Transport = (plain) => plain,
  options: Partial<SerialChannelOptions> = {},
): Promise<Guest> {
  const directory = mkdtempSync(join(tmpdir(), "dryboot-channel-test-"));
  const env = { ...process.env, TMPDIR: directory, NIX_DISK_IMAGE: join(directory, "disk") };
  const console = new Console(wrap(spawnPty({ file: script, cwd: directory, env })));
  const deadline = Deadline.after(20_000);
  await login(console, { deadline });
  const channel = await openSerialChannel(console, {
    deadline,
    graceMs: 200,
    pollMs: 50,
    forgetAfterMs: 20,
    ...options,
  });
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

test("input is taken from its source only as fast as the guest takes it, and given back at once", async () => {
  const controller = new AbortController();
  const { stdout } = await run({ command: ["readlink", "/proc/self/fd/1"] });
  const own = Buffer.from(stdout).toString();
  const inGuest = (): number => {
    const input = `${dirname(own)}/${Number.parseInt(basename(own), 10) + 1}.i`;
    return existsSync(input) ? (statSync(input).size / 4) * 3 : 0;
  };
  const ahead: number[] = [];
  let isEnded = false;
  const endless = async function* (): AsyncGenerator<Uint8Array> {
    try {
      for (let given = 0; ; given += 20_000) {
        ahead.push(given - inGuest());
        if (given === 100_000) controller.abort();
        yield Buffer.alloc(20_000);
      }
    } finally {
      isEnded = true;
    }
  };
  const call = run({ command: ["cat"], stdin: endless(), signal: controller.signal });
  await expect(call).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(isEnded).toBe(true);
  expect(ahead.length).toBeGreaterThan(5);
  expect(Math.max(...ahead)).toBeLessThan(30_000);
});

test("a source that waits or fails holds up no other command, and can be given up", async () => {
  const slow = new PassThrough();
  const waiting = run({ command: ["cat"], stdin: slow });
  const controller = new AbortController();
  const silent = run({ command: ["cat"], stdin: new PassThrough(), signal: controller.signal });
  const failing = async function* (): AsyncGenerator<string> {
    yield "begin\n";
    throw new Error("no more tape");
  };
  await expect(run({ command: ["cat"], stdin: failing() })).rejects.toThrow("no more tape");
  controller.abort();
  await expect(silent).rejects.toMatchObject({ code: "INTERRUPTED" });
  slow.end(everyByte);
  expect(Buffer.from((await waiting).stdout).equals(everyByte)).toBe(true);
});

test("a signal is no exit code", async () => {
  expect(await run({ command: "kill -KILL $$" })).toMatchObject({
    signal: "SIGKILL",
    exitCode: undefined,
  });
  expect(await run({ command: "exit 137" })).toMatchObject({ exitCode: 137 });
});

test("a command that stops itself is waited for until it goes on, ends, or is ended", async () => {
  const goesOn = await run({
    command: "(sleep 0.1; kill -CONT $$) & kill -STOP $$; echo went on; exit 7",
  });
  expect([goesOn.exitCode, texts(goesOn)[0]]).toEqual([7, "went on\n"]);
  const ended = await run({
    command: "trap 'echo cleaned; exit 4' TERM; kill -STOP $$",
    timeoutMs: 1000,
  });
  expect(ended).toMatchObject({ timedOut: true, exitCode: 4 });
  expect(texts(ended)[0]).toBe("cleaned\n");
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
    timeoutMs: 1000,
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

test("output beyond the limit does not fill the guest while the command goes on", async ({
  onTestFinished,
}) => {
  const patience = new AbortController();
  onTestFinished(() => patience.abort());
  const endless = run({ command: ["yes"], maxOutputBytes: 1000, signal: patience.signal });
  const { stdout } = await run({ command: ["readlink", "/proc/self/fd/1"] });
  const directory = dirname(Buffer.from(stdout).toString());
  const sizes = (): number[] =>
    readdirSync(directory)
      .filter((name) => name.endsWith(".o"))
      // What an earlier command has left may go just now.
      .map((name) => statSync(join(directory, name), { throwIfNoEntry: false })?.size ?? 0);
  await expect.poll(() => Math.max(0, ...sizes())).toBeGreaterThan(1000);
  await expect.poll(() => readdirSync(directory).some((name) => name.endsWith(".o.x"))).toBe(true);
  expect(Math.max(...sizes())).toBeLessThan(5000);
  patience.abort();
  await expect(endless).rejects.toMatchObject({ code: "INTERRUPTED" });
});

test("a command may open its outputs again, as often as it likes", async () => {
  const outcome = await run({
    command:
      "echo 1; echo a >/dev/stderr; echo 2 >/dev/stdout; echo b >/dev/stderr; echo 3; echo c >&2",
  });
  expect(texts(outcome)).toEqual(["1\n2\n3\n", "a\nb\nc\n"]);
});

test.each([
  ["little", "", "echo 1"],
  ["nothing", "", "true"],
  ["binary", "\0\n", "printf '\\0\\n'"],
  ["what just fits", "x".repeat(2000), "head -c 2000 /dev/zero | tr '\\0' x"],
  ["much", "x".repeat(200_000), "head -c 200000 /dev/zero | tr '\\0' x"],
])("a process that keeps the outputs open holds nothing back: %s", async (_, most, command) => {
  const name = join(guest.directory, "late");
  const outcome = await run({
    command: `(until [[ -e ${name} ]]; do sleep 0.01; done; echo late; echo late >&2; rm ${name}) & ${command}`,
  });
  const [stdout, stderr] = texts(outcome);
  expect([most === "" ? stdout.replace("1\n", "") : stdout, stderr]).toEqual([most, ""]);
  // It is not killed by what it writes now, and nobody gets it.
  writeFileSync(name, "");
  const next = run({ command: `until [[ ! -e ${name} ]]; do sleep 0.01; done`, timeoutMs: 10_000 });
  expect(texts(await next)).toEqual(["", ""]);
  expect(await next).toMatchObject({ exitCode: 0 });
});

test("a command that fills one output and then the other does not stand still", async () => {
  const outcome = await run({
    command: "head -c 300000 /dev/zero >&2; head -c 300000 /dev/zero; exit 5",
  });
  expect([outcome.exitCode, outcome.stdout.length, outcome.stderr.length]).toEqual([
    5, 300_000, 300_000,
  ]);
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

test("what commands leave in the guest is removed", async () => {
  const { stdout } = await run({ command: ["readlink", "/proc/self/fd/1"] });
  const path = Buffer.from(stdout).toString();
  const first = Number.parseInt(basename(path), 10);
  await Promise.all(Array.from({ length: 20 }, async () => run({ command: "cat", stdin: "x" })));
  const left = (): string[] =>
    readdirSync(dirname(path)).filter((name) => Number.parseInt(name, 10) <= first + 20);
  await expect.poll(left).toEqual([]);
});

test("a command that takes long does not hold up another", async () => {
  const patience = new AbortController();
  const long = run({ command: ["sleep", "1000"], signal: patience.signal });
  expect(texts(await run({ command: "echo quick" }))[0]).toBe("quick\n");
  patience.abort();
  await expect(long).rejects.toMatchObject({ code: "INTERRUPTED" });
});

test("a script beyond the kernel's limit for an argument runs, and reads its own input", async () => {
  const outcome = await run({ command: `: ${"x".repeat(140_000)}; cat; exit 3`, stdin: "input" });
  expect([texts(outcome)[0], outcome.exitCode]).toEqual(["input", 3]);
});

test("output of some lines comes as it was, whatever its characters", async () => {
  for (const size of [100, 1999, 2000, 5000]) {
    const text = "~[*:%A\t\n".repeat(size).slice(0, size);
    expect(texts(await run({ command: ["cat"], stdin: text }))[0]).toBe(text);
  }
});

test.concurrent("a command that kills the shell which serves it is an error and no wait", async () => {
  await using hurt = await start();
  const killer = hurt.channel.run({
    command: "read -r _ _ _ agent _ </proc/$PPID/stat; kill -KILL $agent; sleep 1000",
  });
  await expect(killer).rejects.toMatchObject({
    code: "GUEST_LOST",
    message: expect.stringMatching(/shell .* has ended/),
  });
});

test.concurrent("a line that waits behind a command's is not read by the command or as its output", async () => {
  await using hasty = await start((plain) => ({
    ...plain,
    write(bytes) {
      const starts = /^~\d+ C /.test(Buffer.from(bytes).toString("latin1"));
      plain.write(starts ? Buffer.concat([bytes, Buffer.from("~4 F 99~".repeat(3))]) : bytes);
    },
  }));
  const outcome = await hasty.channel.run({
    command: "echo out; echo err >&2; read -r line; echo $?",
  });
  expect(texts(outcome)).toEqual(["out\n1\n", "err\n"]);
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
      talking ||= /^~\d+ [A-Z] /.test(text);
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
      const verb = /^~\d+ ([CPISR]) /.exec(Buffer.from(bytes).toString("latin1"))?.[1];
      if (verb === undefined || lost.has(verb)) return plain.write(bytes);
      lost.add(verb);
    },
  }));
  const stdin = Buffer.concat(Array.from({ length: 5 }, () => everyByte));
  const outcome = await deaf.channel.run({ command: `: ${"x".repeat(3000)}; cat`, stdin });
  expect(Buffer.from(outcome.stdout).equals(stdin)).toBe(true);
  expect([...lost].toSorted()).toEqual(["C", "I", "P", "S"]);
}, 20_000);

test.concurrent("a command that reaches the guest torn is not run as what is left of it", async () => {
  let tears = 0;
  await using torn = await start((plain) => ({
    ...plain,
    write(bytes) {
      const isCommand = /^~\d+ C /.test(Buffer.from(bytes).toString("latin1"));
      if (isCommand && (tears += 1) === 1) plain.write(bytes.subarray(0, -6));
      else plain.write(bytes);
    },
  }));
  expect(texts(await torn.channel.run({ command: "echo 1234567890" }))[0]).toBe("1234567890\n");
  expect(tears).toBeGreaterThan(1);
});

test.concurrent("whatever reaches the guest twice is done once", async () => {
  await using stuttering = await start((plain) => ({
    ...plain,
    write(bytes) {
      plain.write(bytes);
      if (bytes[0] === 0x7e) plain.write(bytes);
    },
  }));
  const file = join(stuttering.directory, "done");
  for (const stdin of ["one\n", `${"x".repeat(9000)}\n`]) {
    await stuttering.channel.run({ command: `cat >>${file}; sleep 0.1`, stdin });
  }
  expect(readFileSync(file, "latin1")).toBe(`one\n${"x".repeat(9000)}\n`);
});

test.concurrent("an agent that arrives torn is not started but asked for again", async () => {
  let uploads = 0;
  await using torn = await start((plain) => ({
    ...plain,
    write(bytes) {
      const uploaded = bytes.length > 4000 && bytes.at(-1) === 0x7e;
      if (uploaded && ++uploads === 1) plain.write(bytes.subarray(1));
      else plain.write(bytes);
    },
  }));
  expect(texts(await torn.channel.run({ command: "echo well" }))[0]).toBe("well\n");
  expect(uploads).toBe(2);
});

test.concurrent("output that comes slower than the command's limit comes all the same", async () => {
  await using slow = await start(
    (plain) => ({
      ...plain,
      exited: plain.exited,
      onData(listener) {
        let before = Promise.resolve();
        return plain.onData((bytes) => {
          before = before.then(async () => {
            if (bytes.length > 3000) await new Promise((resolve) => setTimeout(resolve, 300));
            listener(bytes);
          });
        });
      },
    }),
    { graceMs: 10 },
  );
  const outcome = await slow.channel.run({
    command: "head -c 20000 /dev/zero",
    timeoutMs: 1200,
  });
  expect(outcome).toMatchObject({ exitCode: 0, timedOut: false });
  expect(outcome.stdout).toHaveLength(20_000);
});

test.concurrent("a command gets its KILL though that was lost on the way", async () => {
  let kills = 0;
  await using deaf = await start((plain) => ({
    ...plain,
    write(bytes) {
      const isKill = /^~\d+ X /.test(Buffer.from(bytes).toString("latin1"));
      if (!isKill || (kills += 1) > 1) plain.write(bytes);
    },
  }));
  const command = "trap '' TERM; while :; do sleep 0.05; done";
  // So much later that a busy host has set the trap.
  expect(await deaf.channel.run({ command, timeoutMs: 1000 })).toMatchObject({
    signal: "SIGKILL",
    timedOut: true,
  });
});

test.concurrent("a guest that answers but does not end a command is given up after its limit", async () => {
  await using stubborn = await start((plain) => ({
    ...plain,
    write(bytes) {
      if (!/^~\d+ [KX] /.test(Buffer.from(bytes).toString("latin1"))) plain.write(bytes);
    },
  }));
  const { channel, directory } = stubborn;
  const command = `until [ -e ${join(directory, "go")} ]; do sleep 0.05; done`;
  expect(await channel.run({ command, timeoutMs: 100 })).toMatchObject({
    exitCode: undefined,
    timedOut: true,
  });
  expect(texts(await channel.run({ command: "echo next" }))[0]).toBe("next\n");
  writeFileSync(join(directory, "go"), "");
});

test.concurrent("a guest that has fallen silent fails what runs and what waits, in words", async () => {
  let mute = false;
  await using silent = await start(
    (plain) => ({
      ...plain,
      exited: plain.exited,
      onData: (listener) => plain.onData((bytes) => (mute ? undefined : listener(bytes))),
    }),
    { silenceMs: 300 },
  );
  mute = true;
  const calls = Array.from({ length: 10 }, async () => silent.channel.run({ command: "true" }));
  for (const outcome of await Promise.allSettled(calls)) {
    expect(outcome).toMatchObject({
      reason: { code: "GUEST_LOST", message: expect.stringContaining("did not answer") },
    });
  }
  expect(silent.channel.failure?.code).toBe("GUEST_LOST");
});

test.concurrent("the end of the guest fails the pending command and every later one with the same cause", async () => {
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
