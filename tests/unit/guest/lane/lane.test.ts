import { randomBytes } from "node:crypto";
import { readdirSync } from "node:fs";
import { PassThrough, Readable } from "node:stream";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import type { CommandOutcome, CommandRequest } from "../../../../src/guest/channel.ts";
import { LaneChannel } from "../../../../src/guest/lane/lane.ts";
import { slotCount } from "../../../../src/guest/lane/ports.ts";
import { startHostAgent, type HostAgent } from "./host-agent.ts";

const text = (bytes: Uint8Array): string => Buffer.from(bytes).toString();

const texts = ({ exitCode, stdout, stderr }: CommandOutcome): unknown => [
  exitCode,
  text(stdout),
  text(stderr),
];

let agent: HostAgent;

beforeAll(async () => {
  agent = await startHostAgent({ graceMs: 500 });
});

afterAll(() => agent[Symbol.asyncDispose]());

const run = (
  command: CommandRequest["command"],
  options: Omit<CommandRequest, "command"> = {},
): Promise<CommandOutcome> => agent.lane.run({ command, ...options });

/** Succeeds when no process has this argument; `pgrep` is not everywhere. */
const noProcessWith = (argument: string): string =>
  `[ -z "$(grep -lsxz '${argument}' /proc/[0-9]*/cmdline)" ]`;

describe("a command", () => {
  test("gives its exit code, stdout and stderr apart", async () => {
    expect(texts(await run("echo out; echo err >&2; exit 3"))).toEqual([3, "out\n", "err\n"]);
  });

  test("of plain words gives what a shell would give", async () => {
    expect(texts(await run("true"))).toEqual([0, "", ""]);
    expect(texts(await run("false"))).toEqual([1, "", ""]);
    expect(texts(await run("exit 7"))).toEqual([7, "", ""]);
    expect(texts(await run("echo a  b"))).toEqual([0, "a b\n", ""]);
    expect(texts(await run("set -euo pipefail\nbasename /a/b"))).toEqual([0, "b\n", ""]);
    expect(texts(await run("no-such-program x"))).toEqual([
      127,
      "",
      expect.stringContaining("no-such-program: command not found"),
    ]);
  });

  test("of an argument vector is read by no shell", async () => {
    const words = ["a b", "c'd", "", "$HOME", "*", "e\nf"];
    expect(texts(await run(["printf", "%s|", ...words]))).toEqual([0, `${words.join("|")}|`, ""]);
  });

  test("ended by a signal is told from one that exits with the same number", async () => {
    for (const signal of ["SIGKILL", "SIGTERM", "SIGINT", "SIGPIPE", "SIGSEGV"]) {
      expect(await run(`kill -${signal.slice(3)} $$; sleep 5`)).toMatchObject({
        exitCode: undefined,
        signal,
      });
    }
    for (const exitCode of [130, 137, 141, 143, 255]) {
      const outcome = await run(`exit ${exitCode}; :`);
      expect(outcome).toMatchObject({ exitCode });
      expect(outcome.signal).toBeUndefined();
    }
  });

  test("that stops itself is waited for until it goes on and ends", async () => {
    const stopped = "(sleep 0.1; kill -CONT $$) & kill -STOP $$; echo went on; exit 7";
    expect(texts(await run(stopped))).toEqual([7, "went on\n", ""]);
    expect(await run("(sleep 0.1; kill -KILL $$) & kill -STOP $$")).toMatchObject({
      exitCode: undefined,
      signal: "SIGKILL",
    });
  });

  test("leads a process group of its own and sees none of the agent's descriptors", async () => {
    const { stdout } = await run(
      "cut -d ' ' -f 1,5 /proc/$$/stat; for n in {0..19}; do [ ! -e /proc/$$/fd/$n ] || echo $n; done",
    );
    const [ids = "", ...descriptors] = text(stdout).trim().split("\n");
    expect(ids).toMatch(/^(\d+) \1$/);
    expect(descriptors).toEqual(["0", "1", "2"]);
  });

  test("leaves no trace of itself in the next one", async () => {
    await run("cd /; export LEFT=1; umask 077; ulimit -n 50");
    expect(text((await run('echo "$PWD ${LEFT-none}"')).stdout)).toBe(`${agent.directory} none\n`);
  });

  test("gets environment, working directory and the locale as given", async () => {
    const { stdout } = await run('echo "$PWD|$A|${LC_ALL-unset}"', {
      cwd: "/usr/share",
      environment: { A: "it's\n$x `y`" },
    });
    expect(text(stdout)).toBe("/usr/share|it's\n$x `y`|unset\n");
  });

  test("can open /dev/stdout and /dev/stderr again", async () => {
    expect(texts(await run("echo a >/dev/stdout; echo b >/dev/stderr; echo c"))).toEqual([
      0,
      "a\nc\n",
      "b\n",
    ]);
  });

  test("can be interrupted by the terminal's signal", async () => {
    expect((await run("kill -INT $$; echo survived")).signal).toBe("SIGINT");
  });

  test("of a hundred thousand characters arrives whole", async () => {
    const long = "ä'".repeat(30_000);
    expect(text((await run(["printf", "%s", long])).stdout)).toBe(long);
  });

  test("of more text than the kernel takes as one argument runs all the same", async () => {
    const long = "ä'".repeat(100_000);
    const outcome = await run(`read -r x; printf '%s' "$x" "$0"; : <<'END'\n${long}\nEND\nexit 3`, {
      stdin: "in\n",
    });
    expect(texts(outcome)).toEqual([3, "inbash", ""]);
  });
});

describe("bytes", () => {
  test("of every value pass both ways unchanged", async () => {
    const stdin = randomBytes(1_000_000);
    const { stdout, stderr } = await run("tee /dev/stderr", { stdin });
    expect(stdin.equals(stdout)).toBe(true);
    expect(stdin.equals(stderr)).toBe(true);
  });

  test("that a command does not read do not reach the next one", async () => {
    const stdin = Buffer.alloc(3_000_000, "x");
    expect(texts(await run("head -c 3", { stdin }))).toEqual([0, "xxx", ""]);
    expect(texts(await run("true", { stdin }))).toEqual([0, "", ""]);
    expect(texts(await run("cat", { stdin: "mine" }))).toEqual([0, "mine", ""]);
  });

  test("of a source are passed on as they come, whatever its pieces are", async () => {
    const pieces = Array.from({ length: 40 }, () => randomBytes(Math.random() * 100_000));
    let answered = (): void => {};
    let output = "";
    const outcome = await run("while IFS= read -r line; do echo got $line; done; cat >&2", {
      stdin: (async function* () {
        for (const line of ["one", "two"]) {
          const answer = new Promise<void>((resolve) => (answered = resolve));
          yield `${line}\n`;
          // No more comes before the guest has answered.
          await answer;
        }
      })(),
      onOutput: (_, bytes) => {
        output += text(bytes);
        answered();
      },
    });
    expect(outcome.exitCode).toBe(0);
    expect(output).toBe("got one\ngot two\n");
    const { stdout } = await run("cat", { stdin: Readable.from(pieces), maxOutputBytes: 1e7 });
    expect(Buffer.concat(pieces).equals(stdout)).toBe(true);
    expect(texts(await run("cat; echo end", { stdin: Readable.from([]) }))).toEqual([
      0,
      "end\n",
      "",
    ]);
  });

  test("of a source without end do not outlive the command that reads them", async () => {
    let given = 0;
    const endless = async function* (): AsyncGenerator<Uint8Array> {
      for (;;) {
        yield Buffer.alloc(100_000, "x");
        given += 100_000;
        await new Promise((resolve) => setImmediate(resolve));
      }
    };
    expect(texts(await run("head -c 3", { stdin: endless() }))).toEqual([0, "xxx", ""]);
    const silent = new PassThrough();
    expect(texts(await run("true", { stdin: silent }))).toEqual([0, "", ""]);
    expect(texts(await run("cat", { stdin: "mine" }))).toEqual([0, "mine", ""]);
    expect(given).toBeLessThan(10_000_000);
  });

  test("are taken from their source only as fast as the command reads", async () => {
    let given = 0;
    const source = async function* (): AsyncGenerator<Uint8Array> {
      for (; given < 200_000_000; given += 1_000_000) yield Buffer.alloc(1_000_000);
    };
    const controller = new AbortController();
    const pending = run("sleep 63.5", { stdin: source(), signal: controller.signal });
    let seen = -1;
    while (seen !== given) {
      seen = given;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    expect(given).toBeGreaterThan(0);
    expect(given).toBeLessThan(10_000_000);
    controller.abort();
    await expect(pending).rejects.toMatchObject({ code: "INTERRUPTED" });
  });

  test("of a source that fails end the command, and the call with the source's error", async () => {
    const failing = async function* (): AsyncGenerator<string> {
      yield "begin\n";
      throw new Error("no more tape");
    };
    await expect(run("cat; sleep 64.5", { stdin: failing() })).rejects.toThrow("no more tape");
    await expect.poll(async () => (await run(noProcessWith("64[.]5"))).exitCode).toBe(0);
  });

  test("that their listener refuses end the command, and the call with its error", async () => {
    const refuse = (): never => {
      throw new Error("enough");
    };
    const call = run("echo first; exec sleep 371", { onOutput: refuse });
    await expect(call).rejects.toThrow("enough");
    await expect.poll(async () => (await run(noProcessWith("37[1]"))).exitCode).toBe(0);
  });

  test("beyond the limit are dropped and said to be", async () => {
    const outcome = await run("yes | head -c 5000000; echo end >&2", { maxOutputBytes: 1000 });
    expect(outcome.stdout).toHaveLength(1000);
    expect(outcome).toMatchObject({ exitCode: 0, truncated: true });
    expect(text(outcome.stderr)).toBe("end\n");
    expect((await run("printf 1234", { maxOutputBytes: 4 })).truncated).toBe(false);
  });

  test("are handed out while the command is running, as fast as they are taken", async () => {
    const seen: string[] = [];
    let taken = 0;
    const outcome = await run("echo first; read -r x; yes | head -c 1000000", {
      stdin: "go\n",
      maxOutputBytes: 0,
      onOutput: async (stream, bytes) => {
        seen.push(stream);
        await new Promise((resolve) => setImmediate(resolve));
        taken += bytes.length;
      },
    });
    expect(taken).toBe(1_000_006);
    expect(new Set(seen)).toEqual(new Set(["stdout"]));
    expect(outcome.stdout).toHaveLength(0);
  });
});

describe("a process that outlives its command", () => {
  test("does not hold the result back, and what it writes later is kept apart", async () => {
    const directory = `${agent.directory}/go`;
    const command = `echo now; (until [ -e ${directory} ]; do sleep 0.01; done; echo later) &`;
    expect(texts(await run(command))).toEqual([0, "now\n", ""]);
    for (let time = 0; time < 20; time += 1) {
      expect(texts(await run(`echo ${time}`))).toEqual([0, `${time}\n`, ""]);
    }
    await run(`touch ${directory}`);
    await expect
      .poll(() => agent.lane.lateOutput().map(({ command: of, stdout }) => [of, text(stdout)]))
      .toEqual([[command, "later\n"]]);
  });

  test("takes no worker for ever, however many there are", async () => {
    const go = `${agent.directory}/let-go`;
    for (let time = 0; time < 20; time += 1) {
      const holder = `(for i in {1..900}; do [ ! -e ${go} ] || break; sleep 0.1; done) &`;
      expect(texts(await run(`echo ${time}; ${holder}`))).toEqual([0, `${time}\n`, ""]);
    }
    expect(texts(await run(`touch ${go}; echo still`))).toEqual([0, "still\n", ""]);
  });

  test("gives its worker back where bash says of the host's wish that it came too late", async () => {
    // What bash does where a byte comes just at the limit of `read -t`: it is there all the same.
    const late =
      '() { builtin read "$@" || return; local IFS=" "; [[ $* != *"-t "*"-N 1 "* ]] || return 142; }';
    await using busy = await startHostAgent({ graceMs: 500 }, { "BASH_FUNC_read%%": late });
    const go = `${busy.directory}/let-go`;
    const command = `(for i in {1..900}; do [ ! -e ${go} ] || break; sleep 0.1; done) &`;
    for (let time = 0; time < slotCount + 2; time += 1) await busy.lane.run({ command });
    expect(texts(await busy.lane.run({ command: `touch ${go}; echo on` }))).toEqual([
      0,
      "on\n",
      "",
    ]);
  });
});

// So long that a busy host has begun the command.
describe("a timeout", () => {
  test("ends the command with all that it started", async () => {
    const outcome = await run("sleep 61.5 & echo started; sleep 61.5", { timeoutMs: 1000 });
    expect(outcome).toMatchObject({ timedOut: true, signal: "SIGTERM" });
    expect(text(outcome.stdout)).toBe("started\n");
    expect((await run(noProcessWith("61[.]5"))).exitCode).toBe(0);
  });

  test("reaches by its KILL what the command has started in other process groups", async () => {
    // As job control does: the new groups do not get the TERM.
    const outcome = await run(
      "trap '' TERM; setsid sleep 65.5 & setsid bash -c 'trap \"\" TERM; sleep 66.5; :' & wait; sleep 67.5",
      { timeoutMs: 1000 },
    );
    expect(outcome).toMatchObject({ timedOut: true, signal: "SIGKILL" });
    await expect.poll(async () => (await run(noProcessWith("6[567][.]5"))).exitCode).toBe(0);
  });

  test("ends what stands still", async () => {
    const outcome = await run("trap 'echo cleaned; exit 4' TERM; kill -STOP $$", {
      timeoutMs: 1000,
    });
    expect(outcome).toMatchObject({ timedOut: true, exitCode: 4 });
    expect(text(outcome.stdout)).toBe("cleaned\n");
  });

  test("becomes a KILL for what ignores TERM", async () => {
    const outcome = await run("trap '' TERM; while :; do sleep 0.05; done", { timeoutMs: 1000 });
    expect(outcome).toMatchObject({ timedOut: true, signal: "SIGKILL" });
  });

  test("that was not reached leaves no mark on this command nor on the next", async () => {
    expect(await run("sleep 0.1", { timeoutMs: 1000 })).toMatchObject({
      exitCode: 0,
      timedOut: false,
    });
    expect(await run("sleep 1.2", { timeoutMs: 5000 })).toMatchObject({
      exitCode: 0,
      timedOut: false,
    });
  });
});

describe("several commands", () => {
  test("run side by side", async () => {
    const meet = (mine: string, other: string): Promise<CommandOutcome> =>
      run(`touch ${mine}; until [ -e ${other} ]; do sleep 0.01; done`, { timeoutMs: 10_000 });
    const outcomes = await Promise.all([meet("a", "b"), meet("b", "a")]);
    expect(outcomes.map(({ exitCode }) => exitCode)).toEqual([0, 0]);
  });

  test("more than there are workers all get their own results", async () => {
    const numbers = Array.from({ length: 40 }, (_, index) => index);
    const outcomes = await Promise.all(
      numbers.map((number) => run(`echo ${number}; cat >&2`, { stdin: `in ${number}` })),
    );
    expect(outcomes.map(texts)).toEqual(
      numbers.map((number) => [0, `${number}\n`, `in ${number}`]),
    );
  });
});

test("an interrupted command gets Ctrl-C's signal and time to clean up, before the call fails", async () => {
  // With the time that a busy host may need.
  await using patient = await startHostAgent({ graceMs: 20_000 });
  const controller = new AbortController();
  let output = "";
  const pending = patient.lane.run({
    command: "trap 'echo cleaned; exit' INT; echo ready; while :; do sleep 0.05; done",
    signal: controller.signal,
    onOutput: (_, bytes) => {
      output += text(bytes);
      if (output === "ready\n") controller.abort();
    },
  });
  await expect(pending).rejects.toMatchObject({ code: "INTERRUPTED" });
  expect(output).toBe("ready\ncleaned\n");
});

test("an aborted command that ignores the signal is ended and fails the call", async () => {
  const controller = new AbortController();
  const pending = run("trap '' INT; sleep 62.5; :", { signal: controller.signal });
  setTimeout(() => controller.abort(), 100);
  await expect(pending).rejects.toMatchObject({ code: "INTERRUPTED" });
  await expect.poll(async () => (await run(noProcessWith("62[.]5"))).exitCode).toBe(0);
});

test("the agent that dies fails the pending command with one clear error", async () => {
  await using other = await startHostAgent();
  const pending = other.lane.run({ command: "sleep 2" });
  await expect.poll(() => readdirSync(`${other.directory}/home`)).toContain("0.job");
  const rejected = expect(pending).rejects.toThrow(/^the command lane is lost: /);
  process.kill(-(other.process.pid ?? 0), "SIGKILL");
  other.process.kill("SIGKILL");
  await rejected;
  await expect(other.lane.run({ command: "true" })).rejects.toBe(other.lane.failure);
});

test("the end of the lane ends the agent and leaves nothing behind", async () => {
  const other = await startHostAgent();
  const ended = new Promise((resolve) => other.process.on("exit", resolve));
  await other.lane.run({ command: "sleep 3 &" });
  await using _ = other;
  await other.lane[Symbol.asyncDispose]();
  await ended;
  expect(readdirSync(other.directory)).toEqual(["program"]);
});

describe("an agent that was saved with its guest", () => {
  test("goes on with another host, whose commands are told from those before", async () => {
    await using first = await startHostAgent();
    await first.lane.run({ command: "true" });
    const idle = first.lane.idleAgent();
    expect(idle).toMatchObject({ nextSerial: 2, workers: [0] });
    if (idle === undefined) return;
    const next = new LaneChannel(first.sockets, { key: idle.key, agent: idle });
    next.greet();
    await next.greeted;
    const outcomes = await Promise.all([
      next.run({ command: "cat; exit 3", stdin: "in" }),
      next.run({ command: "sleep 60", timeoutMs: 50 }),
    ]);
    expect(texts(outcomes[0])).toEqual([3, "in", ""]);
    expect(outcomes[1]).toMatchObject({ timedOut: true });
    await expect.poll(() => next.idleAgent()).toMatchObject({ nextSerial: 4, workers: [0, 1] });
  });

  test("is not idle while a command is under way, or what it left writes on", async () => {
    await using host = await startHostAgent();
    const running = host.lane.run({ command: "read -r _; sleep 60 & echo $!", stdin: "\n" });
    await expect.poll(() => host.lane.idleAgent()).toBeUndefined();
    const sleeping = Number(text((await running).stdout));
    expect(host.lane.idleAgent()).toBeUndefined();
    process.kill(sleeping);
    await expect.poll(() => host.lane.idleAgent()).toMatchObject({ nextSerial: 2 });
  });
});
