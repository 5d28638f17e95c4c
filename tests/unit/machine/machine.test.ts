import { existsSync, readdirSync, readFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { PassThrough, Readable } from "node:stream";
import { fileURLToPath } from "node:url";
import { rm } from "node:fs/promises";
import { afterAll, beforeAll, describe, expect, test } from "vitest";
import {
  CommandFailedError,
  CommandSucceededError,
  Machine,
  type Progress,
  type StartOptions,
} from "../../../src/machine/index.ts";
import { secret } from "../../../src/secret.ts";

const runScript = (name: string): string =>
  fileURLToPath(new URL(`../../fixtures/run-scripts/${name}.sh`, import.meta.url));

const start = (script: string, options: Partial<StartOptions> = {}): Promise<Machine> =>
  Machine.start({
    name: "fake",
    runScript: runScript(script),
    accelerator: {
      name: "tcg",
      qemuArguments: ["-machine", "accel=tcg"],
      kernelParameters: [],
      timeoutScale: 1,
    },
    timeoutMs: 10_000,
    ...options,
  });

/** What a start has thrown. */
const failure = async (
  script: string,
  options: Partial<StartOptions> = {},
): Promise<Error & Record<string, unknown>> => {
  try {
    await using machine = await start(script, options);
    throw new Error(`${machine.name} started`);
  } catch (error) {
    return error as Error & Record<string, unknown>;
  }
};

const runDirectories = (): string[] =>
  readdirSync(tmpdir()).filter((name) => name.startsWith(`dryboot-${process.pid}-`));
const processesWith = (text: string): string[] =>
  readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, "utf8").includes(text);
    } catch {
      return false;
    }
  });

describe("on a guest that has booted", () => {
  let machine: Machine;
  const progress: Progress[] = [];

  beforeAll(async () => {
    const { signal } = new AbortController();
    machine = await start("fake-guest", { signal, onProgress: (event) => progress.push(event) });
  });
  afterAll(() => machine[Symbol.asyncDispose]());

  test("the phases of the boot are told apart, in order", () => {
    const names = machine.phases.map(({ name }) => name);
    expect(names).toEqual(["qemu", "stage 1", "stage 2", "systemd", "login"]);
    expect([...new Set(progress.map(({ phase }) => phase))]).toEqual(names);
    expect(progress.some(({ detail }) => /<<< NixOS Stage 2 >>>/.test(detail ?? ""))).toBe(true);
    // What dryboot itself has typed is no news of the boot.
    expect(progress.filter(({ detail }) => /boot-|HISTFILE/.test(detail ?? ""))).toEqual([]);
  });

  test("evidence ends with what the guest says, not with what dryboot types", async () => {
    const { consoleTail } = await machine.collectEvidence();
    expect(consoleTail.join("\n")).toMatch(/automatic login\)[^]*\]#$/);
    expect(consoleTail.filter((line) => /boot-|HISTFILE/.test(line))).toEqual([]);
  });

  test("many pending commands are no leak of listeners", async () => {
    const warnings: Error[] = [];
    const note = (warning: Error): unknown => warnings.push(warning);
    process.on("warning", note);
    await Promise.all(Array.from({ length: 12 }, () => machine.run("true")));
    process.off("warning", note);
    expect(warnings).toEqual([]);
  });

  test("an interpolation reaches the command as it is", async () => {
    const name = "it's $HOME `id`\n\\";
    expect(await machine.$`printf %s ${name}`).toMatchObject({
      stdout: name,
      stderr: "",
      exitCode: 0,
      failed: false,
    });
    expect((await machine.$`printf '%s|' ${["a b", "c"]}`).stdout).toBe("a b|c|");
  });

  test("a secret reaches commands and files as it is, and shows nowhere", async () => {
    const token = "zq-it's a secret";
    const printed = machine.console.mark();
    const script = String.raw`printf '%s\n' "$TOKEN" | tee "/proc/$(<"$FAKE_STATE/shell.pid")/fd/0"`;
    const { stdout } = await machine.run(script, { environment: { TOKEN: secret(token) } });
    expect(stdout).toBe(`${token}\n`);
    await machine.console.expect(token, { since: printed, timeoutMs: 5000 });
    expect(machine.console.transcript(printed)).toMatch(/^••••$/m);

    const path = `${machine.runDirectory}/password`;
    await machine.writeFile(path, "zq-of-a-file\n", { secret: true });
    expect(await machine.readFile(path)).toBe("zq-of-a-file\n");
    await expect(machine.succeed(`cat ${path} >&2; exit 3`)).rejects.toMatchObject({
      details: ["stderr:", "  ••••"],
    });
    const { consoleTail } = await machine.collectEvidence();
    expect(consoleTail.join("\n")).toContain("••••");
    expect(readFileSync(`${machine.runDirectory}/console.log`, "utf8")).not.toContain(token);
  });

  test("an argument vector is read by no shell", async () => {
    expect((await machine.run(["printf", "%s|", "$HOME", "a b", ""])).stdout).toBe("$HOME|a b||");
  });

  test("execute gives an exit code back, run throws it with what the command wrote", async () => {
    expect(await machine.execute("echo out; echo err >&2; exit 3")).toMatchObject({
      exitCode: 3,
      stdout: "out\n",
      stderr: "err\n",
      failed: true,
    });
    const error: CommandFailedError = await machine.run("echo out; echo err >&2; exit 3").then(
      () => expect.unreachable(),
      (thrown) => thrown,
    );
    expect(error).toBeInstanceOf(CommandFailedError);
    expect(error.message).toBe(
      "fake: command failed with exit code 3: echo out; echo err >&2; exit 3",
    );
    expect(error.result).toMatchObject({ exitCode: 3, stdout: "out\n", stderr: "err\n" });
    expect(error.details).toEqual(["stderr:", "  err", "stdout:", "  out"]);
  });

  test.for(["false; true", "false | true", "echo $not_set; true"])(
    "«%s» fails",
    async (command) => {
      await expect(machine.succeed(command)).rejects.toThrow(CommandFailedError);
    },
  );

  test("succeed joins the outputs, fail wants a failure", async () => {
    expect(await machine.succeed("echo one", "echo two")).toBe("one\ntwo\n");
    expect(await machine.fail("echo why; false")).toBe("why\n");
    await expect(machine.fail("true")).rejects.toThrow(CommandSucceededError);
  });

  test("environment, directory, standard input and a timeout reach the command", async () => {
    const { stdout } = await machine.run('cat; echo "$NAME"; pwd', {
      stdin: "in\n",
      environment: { NAME: "a b" },
      cwd: "/proc",
    });
    expect(stdout).toBe("in\na b\n/proc\n");
    expect(await machine.execute("sleep 60", { timeoutMs: 200 })).toMatchObject({
      timedOut: true,
      failed: true,
    });
  });

  test("bytes come back as bytes", async () => {
    const { stdout } = await machine.run("printf '\\0\\377\\001'", { encoding: "buffer" });
    expect([...stdout]).toEqual([0, 255, 1]);
  });

  test("a file is written and read as it is", async () => {
    const path = `${machine.runDirectory}/a file`;
    const bytes = Uint8Array.from({ length: 256 }, (_, index) => index);
    await machine.writeFile(path, bytes);
    expect(await machine.readFile(path, { encoding: "buffer" })).toEqual(bytes);
    await machine.waitForFile(path);
  });

  test("waitUntilSucceeds waits, and says in vain what it saw", async () => {
    const counter = `${machine.runDirectory}/counter`;
    expect(
      await machine.waitUntilSucceeds(
        `echo x >>${counter}; test "$(wc -l <${counter})" -ge 3; echo done`,
      ),
    ).toBe("done\n");
    const error = await machine
      .waitUntilSucceeds("echo why >&2; exit 5", { timeoutMs: 1000 })
      .catch((thrown) => thrown);
    expect(error.message).toMatch(
      /^fake: echo why >&2; exit 5 was expected to succeed, but failed with exit code 5 \(waited /,
    );
    expect(error.details).toEqual(["stderr:", "  why"]);
    const late = await machine
      .waitUntilSucceeds("echo begun; sleep 60; false", { timeoutMs: 3000 })
      .catch((thrown) => thrown);
    expect(late.message).toMatch(/was expected to succeed, but it did not end within .* \(waited /);
    expect(late.details).toEqual(["stdout:", "  begun"]);
  });

  test("a command in the background runs on, and is ended with its children", async () => {
    const background = await machine.background("sleep 60 & echo $!; wait");
    await machine.waitUntilSucceeds(`kill -0 ${background.pid}`);
    await expect.poll(() => background.output()).toMatch(/^\d+\n$/);
    const child = (await background.output()).trim();
    await machine.succeed(`kill -0 ${child}`);
    await background.stop();
    await expect.poll(() => background.isRunning()).toBe(false);
    await machine.waitUntilFails(`kill -0 ${child}`);
  });

  test("what a command in the background writes is handed out from its beginning to its end", async () => {
    const go = `${machine.runDirectory}/go on`;
    const background = await machine.background(
      `echo one; until [ -e '${go}' ]; do sleep 0.05; done; echo two >&2; printf three`,
    );
    const seen: string[] = [];
    await background.stream(async (bytes) => {
      seen.push(Buffer.from(bytes).toString());
      await machine.writeFile(go, "");
    });
    expect(seen[0]).toBe("one\n");
    expect(seen.join("")).toBe("one\ntwo\nthree");
  });

  test("output is handed out piece by piece, and a listener that throws fails the call", async () => {
    const seen: [string, string][] = [];
    await machine.run("echo out; echo err >&2", {
      onOutput: (stream, bytes) => void seen.push([stream, Buffer.from(bytes).toString()]),
    });
    expect(seen.toSorted()).toEqual([
      ["stderr", "err\n"],
      ["stdout", "out\n"],
    ]);
    const failing = machine.run("echo out", {
      onOutput: () => Promise.reject(new Error("nobody wants this")),
    });
    await expect(failing).rejects.toThrow("nobody wants this");
    const { stdout } = await machine.run("cat", { stdin: Readable.from(["a", "b"]) });
    expect(stdout).toBe("ab");
  });

  test("the console is waited for without taking anything away", async () => {
    const mark = machine.console.mark();
    await machine.succeed(
      `echo "knock knock" >/proc/$(cat ${machine.runDirectory}/shell.pid)/fd/1`,
    );
    await machine.waitForConsoleText(/knock (knock)/, { since: mark });
    await machine.waitForConsoleText("knock knock", { since: mark });
    await machine.waitForConsoleText("<<< NixOS Stage 1 >>>");
  });

  test("a reboot that gives no new boot id is none", async () => {
    await machine.writeFile(`${machine.runDirectory}/kept`, "");
    await expect(machine.reboot({ timeoutMs: 10_000 })).rejects.toThrow(
      /boot again, but its boot id is still [0-9a-f-]{36}/,
    );
    expect(await machine.file(`${machine.runDirectory}/kept`).exists()).toBe(true);
  });
});

test("a shutdown waits for the end of QEMU, and nothing can be asked after it", async () => {
  const machine = await start("fake-guest");
  const { runDirectory } = machine;
  await machine.shutdown({ timeoutMs: 10_000 });
  await expect(machine.succeed("true")).rejects.toThrow(/fake: .*has ended; could not run: true/);
  await machine[Symbol.asyncDispose]();
  await machine[Symbol.asyncDispose]();
  expect(existsSync(runDirectory)).toBe(false);
});

test("a crash fails what waits and leaves no process, and the guest starts again, as after a shutdown, with its files and its console, without its alarms", async () => {
  await using machine = await start("fake-guest");
  const { console, runDirectory, phases } = machine;
  const say = (line: string): Promise<unknown> =>
    machine.run(`printf '\\n%s' "$LINE" >/proc/$(cat ${runDirectory}/shell.pid)/fd/1`, {
      environment: { LINE: line },
    });
  await machine.writeFile(`${runDirectory}/kept`, "");
  await say("[   12.345678] Out of memory: Killed process 606 (hungry)\n");
  await machine.waitForConsoleText("(hungry)\n");
  await say("half a line");
  await machine.waitForConsoleText("half a line");
  const pid = await machine.readFile(`${runDirectory}/shell.pid`);
  const mark = console.mark();
  expect(await machine.collectEvidence()).toMatchObject({ alarms: [expect.anything()] });

  const waiting = expect(machine.run("sleep 60")).rejects.toThrow(
    /fake: .*; could not run: sleep 60/,
  );
  const switchedOff = expect(machine.waitForShutdown()).rejects.toThrow(
    /^fake was expected to switch itself off, but QEMU ended with signal /,
  );
  await machine.crash();
  await Promise.all([waiting, switchedOff]);
  await expect(console.expect("never")).rejects.toThrow("the guest has ended");
  expect(processesWith(runDirectory)).toEqual([]);
  const starting = machine.start();
  expect(machine.isUp).toBe(false);
  await Promise.all([starting, machine.start()]);

  expect(machine.isUp).toBe(true);
  expect(await machine.readFile(`${runDirectory}/shell.pid`)).not.toBe(pid);
  expect(await machine.file(`${runDirectory}/kept`).exists()).toBe(true);
  expect(machine.phases).not.toBe(phases);
  expect(machine.phases.map(({ name }) => name)).toEqual(phases.map(({ name }) => name));
  expect(await machine.collectEvidence()).toMatchObject({ alarms: [], failure: undefined });
  expect(console.transcript()).toContain("(hungry)");
  expect(console.transcript(mark)).toMatch(/Stage 1[^]*\(automatic login\)/);
  await console.expect("Stage 1", { since: mark });
  const log = readFileSync(`${runDirectory}/console.log`, "utf8");
  expect(log).toMatch(
    /\(hungry\)\n(?:.*\n)*.*half a line.*\n.*started again\]\n(?:.*\n)*.*Stage 1/,
  );

  const lastMark = console.mark();
  await machine.start();
  expect(console.mark()).toBe(lastMark);
  await machine.shutdown({ timeoutMs: 10_000 });
  await machine.start();
  await machine.succeed("true");
});

test("whoever attaches to a console that carries the commands has its shell, and commands wait until they have left", async () => {
  await using machine = await start("fake-guest");
  expect(machine.commandWay.kind).toBe("serial");
  const before = machine.run("sleep 0.5; echo before");
  const [input, output] = [new PassThrough(), new PassThrough()];
  let shown = "";
  output.on("data", (bytes: Buffer) => (shown += bytes.toString()));

  const attached = machine.console.attach({ input, output });
  await expect.poll(() => shown).toMatch(/\]#\S* $/);
  expect((await before).stdout).toBe("before\n");
  const during = machine.run("echo during");
  input.write("echo hello-$((1+1))\r");
  await expect.poll(() => shown).toMatch(/hello-2/);
  input.write("\x1d\x1d\x1d");

  expect(await attached).toBe("left");
  expect((await during).stdout).toBe("during\n");
  expect(shown).not.toContain("dryboot-");
});

test("a guest that is lost is started again when it has ended, and once more when that fails", async ({
  onTestFinished,
}) => {
  await using machine = await start("fake-guest");
  const { runDirectory } = machine;
  // Kept, as after every boot that has failed.
  onTestFinished(() => rm(runDirectory, { recursive: true }));
  await machine
    .run(
      `echo '[   12.3] Kernel panic - not syncing: x' >/proc/$(cat ${machine.runDirectory}/shell.pid)/fd/1`,
    )
    .catch(() => {});
  await expect(machine.waitForConsoleText("never")).rejects.toThrow("kernel panic");
  await expect(machine.start()).rejects.toThrow(/kernel panic.*; could not start it again, for/);
  await machine.crash();
  await expect(machine.start({ timeoutMs: 1 })).rejects.toMatchObject({ code: "BOOT_TIMEOUT" });
  expect(machine.isUp).toBe(false);
  await expect(machine.run("true")).rejects.toThrow(
    "fake: the guest has ended; could not run: true",
  );
  await machine.start();
  await machine.succeed("true");
});

test("a guest that dies by itself is the cause of every later failure", async () => {
  await using machine = await start("fake-guest");
  // One that waited for the end in vain must not make a wanted end of what comes later.
  await expect(machine.waitForShutdown({ timeoutMs: 1 })).rejects.toThrow("still runs");
  const parent = `$(cut -d' ' -f4 /proc/$(cat ${machine.runDirectory}/shell.pid)/stat)`;
  const first = await machine.run(`kill -KILL ${parent}; sleep 60`).catch((error) => error);
  expect(first).toMatchObject({ code: "GUEST_LOST", exitCode: 4 });
  const second = await machine.$`true`.catch((error) => error);
  expect(second.message).toMatch(/^fake: QEMU ended with signal 9.*could not run: true/);
  expect(second.cause).toBe(first.cause);
  const evidence = await machine.collectEvidence();
  expect(evidence).toMatchObject({
    machine: "fake",
    failedUnits: [],
    runDirectory: machine.runDirectory,
  });
});

test.for([
  ["panics", "BOOT_FAILED", /^fake: the guest is lost: kernel panic .*\(at stage 2, after /],
  ["stage-1-fails", "BOOT_FAILED", /stage 1 failure .*\(at stage 1, after /],
  ["emergency", "BOOT_FAILED", /emergency mode/],
  ["reboots", "BOOT_FAILED", /unexpected reboot/],
  ["dies", "BOOT_FAILED", /QEMU ended with exit code 1: .*Could not open '\/nowhere\.qcow2'/],
  [
    "silent",
    "BOOT_TIMEOUT",
    /^fake: the guest showed no root prompt within 1 s .*\(at qemu, after /,
  ],
] as const)(
  "the boot of %s.sh ends with %s, and its directory is kept and named",
  async ([script, code, message]) => {
    const before = runDirectories();
    const error = await failure(script, {
      timeoutMs: script === "silent" ? 1_000 : 10_000,
      repeatCommand: "again",
    });
    expect(error).toMatchObject({ code, exitCode: 4, message: expect.stringMatching(message) });
    const kept = runDirectories().filter((name) => !before.includes(name));
    expect(error["details"]).toContain("To see it again: again");
    expect(error["details"]).toContainEqual(expect.stringContaining(`/${kept[0]} `));
    expect(processesWith(`/${kept[0]}`)).toEqual([]);
    await rm(`${tmpdir()}/${kept[0]}`, { recursive: true });
  },
);

test("a disk that is full is the host's fault, and leaves no directory to fill it", async () => {
  const before = runDirectories();
  expect(await failure("disk-full")).toMatchObject({
    code: "HOST_RESOURCES",
    exitCode: 5,
    message: `cannot write below ${tmpdir()}: the disk is full`,
  });
  expect(runDirectories()).toEqual(before);
});

test("an interrupted boot leaves nothing behind, not even its directory", async () => {
  const before = runDirectories();
  const controller = new AbortController();
  setTimeout(() => controller.abort(new Error("enough")), 200);
  const error = await failure("silent", { signal: controller.signal });
  expect(error).toMatchObject({
    code: "INTERRUPTED",
    message: "fake: interrupted during the boot",
  });
  expect(runDirectories()).toEqual(before);
});
