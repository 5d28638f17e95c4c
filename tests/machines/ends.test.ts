// However dryboot ends, and in whatever it was at work: nothing of it is left. Run scripts stand in for guests.
import { spawnSync } from "node:child_process";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test, vi, type TestContext } from "vitest";
import { isStillAlive, processesOf, type SeenProcess } from "../fixtures/process-tree.ts";
import { scriptedMachine, type ScriptedMachineOptions } from "../fixtures/scripted-machine.ts";

const cli = fileURLToPath(new URL("../../bin/dryboot.js", import.meta.url));

interface RunOptions extends ScriptedMachineOptions {
  readonly temporary: string;
  readonly accelerator?: string;
  /** What runs in the guest. @default `true` */
  readonly command?: readonly string[];
  /** The guest is checked in place of running a command. */
  readonly smoke?: boolean;
  readonly environment?: Readonly<Record<string, string>>;
}

/** A dryboot at work, seen from outside. */
function startDryboot({
  temporary,
  accelerator = "tcg",
  command = ["true"],
  smoke = false,
  environment = {},
  ...machine
}: RunOptions) {
  const common = [...scriptedMachine(machine), "--accel", accelerator, "--no-lane"];
  const words = smoke ? ["smoke", ...common] : ["run", ...common, "--", ...command];
  const ended = execa(process.execPath, [cli, ...words], {
    reject: false,
    stdin: "ignore",
    // Guests of its own: it waits for no others.
    env: {
      TMPDIR: temporary,
      XDG_CACHE_HOME: temporary,
      XDG_RUNTIME_DIR: temporary,
      ...environment,
    },
    all: true,
  });
  let output = "";
  ended.all.on("data", (data: Buffer) => {
    output += data;
  });
  const pid = ended.pid ?? expect.fail("dryboot did not start");
  const processes = (): SeenProcess[] => processesOf(pid, temporary);
  return {
    ended,
    pid,
    processes,
    /** Resolves when its output or the command line of one of its processes shows something. */
    reaches: (what: RegExp): Promise<void> =>
      vi.waitFor(() => {
        const shown = [output, ...processes().map(({ commandLine }) => commandLine)].join("\n");
        expect(shown).toMatch(what);
      }, patience),
  };
}

const patience = { timeout: 60_000, interval: 100 };

function temporaryDirectory({ onTestFinished }: TestContext): string {
  const path = mkdtempSync(join(tmpdir(), "ends-"));
  onTestFinished(() => rmSync(path, { recursive: true, force: true }));
  return path;
}

const runDirectories = (temporary: string): string[] =>
  readdirSync(temporary).filter((name) => /^dryboot-\d/.test(name));

async function expectNothingLeft(seen: readonly SeenProcess[], temporary: string): Promise<void> {
  await vi.waitFor(() => {
    expect(seen.filter(isStillAlive)).toEqual([]);
    expect(runDirectories(temporary)).toEqual([]);
  }, patience);
}

interface Work {
  readonly work: string;
  readonly options: (temporary: string) => Omit<RunOptions, "temporary">;
  /** How one sees that it has come so far. */
  readonly shows: RegExp;
}

const works: readonly Work[] = [
  {
    work: "the evaluation",
    options: (temporary) => ({ script: "silent", evaluates: readsFor(temporary) }),
    shows: /nix-instantiate/,
  },
  {
    work: "the build",
    // A derivation of its own: one that was built is not built again.
    options: (temporary) => ({ script: "silent", builder: `while : ${temporary}; do :; done` }),
    shows: /sh -c\s+while :/,
  },
  {
    work: "the probe of KVM",
    options: (temporary) => ({
      script: "silent",
      accelerator: "auto",
      environment: { PATH: `${programs(temporary)}:${process.env["PATH"]}` },
    }),
    shows: /qemu-system-x86_64 .*accel=kvm/,
  },
  { work: "the boot", options: () => ({ script: "silent" }), shows: /sleep infinity/ },
  { work: "the login", options: () => ({ script: "prompt-only" }), shows: /boot, login/ },
  {
    work: "a command",
    options: () => ({ script: "fake-guest", command: ["sleep", "606"] }),
    shows: /^sleep 606/m,
  },
  {
    work: "the checks",
    // What asks the guest for its units never ends.
    options: (temporary) => ({
      script: "fake-guest",
      smoke: true,
      environment: { PATH: `${programs(temporary)}:${process.env["PATH"]}` },
    }),
    shows: /\/systemctl is-system-running/,
  },
  {
    work: "the end of the guest",
    options: () => ({ script: "stays", command: ["echo", "the command has ended"] }),
    shows: /^the command has ended$/m,
  },
];

/** An evaluation that never ends: nobody writes to what it reads. */
function readsFor(temporary: string): string {
  const pipe = join(temporary, "pipe");
  spawnSync("mkfifo", [pipe]);
  return `builtins.readFile "${pipe}"`;
}

/** A QEMU that crawls, as under a KVM that does, and a systemctl that does. */
function programs(temporary: string): string {
  const crawls = "#!/bin/sh\ncase $1 in --version) ;; *) while :; do sleep 1; done ;; esac\n";
  for (const name of ["qemu-system-x86_64", "systemctl"]) {
    writeFileSync(join(temporary, name), crawls, { mode: 0o755 });
  }
  return temporary;
}

// Without KVM nothing is probed.
const tried = works.filter(({ work }) => !work.includes("KVM") || existsSync("/dev/kvm"));

test.concurrent.for(tried)(
  "a SIGKILL during $work leaves nothing behind",
  async ({ options, shows }, context) => {
    const temporary = temporaryDirectory(context);
    const dryboot = startDryboot({ temporary, ...options(temporary) });
    await dryboot.reaches(shows);
    // What was announced may be about to start.
    const seen = await vi.waitFor(() => {
      const running = dryboot.processes();
      expect(running.length).toBeGreaterThan(1);
      return running;
    }, 20_000);

    dryboot.ended.kill("SIGKILL");

    await expectNothingLeft(seen, temporary);
  },
);

test.concurrent("what is left when the guard dies with dryboot is ended and removed by the next run", async (context) => {
  const temporary = temporaryDirectory(context);
  const killed = startDryboot({ temporary, script: "ignores-term" });
  await killed.reaches(/ignores-term\.sh -nographic/);
  const seen = killed.processes();
  for (const { pid, commandLine } of seen) {
    if (commandLine.includes("dryboot-guard")) process.kill(pid, "SIGKILL");
  }
  killed.ended.kill("SIGKILL");
  await killed.ended;
  expect(runDirectories(temporary)).toHaveLength(1);
  expect(seen.filter(isStillAlive)).not.toEqual([]);

  await startDryboot({ temporary, script: "fake-guest" }).ended;

  await expectNothingLeft(seen, temporary);
});

test.concurrent("two runs beside each other leave each other alone", async (context) => {
  const temporary = temporaryDirectory(context);
  const first = startDryboot({ temporary, script: "silent" });
  await first.reaches(/sleep infinity/);
  const seen = first.processes();
  const directories = runDirectories(temporary);

  const second = await startDryboot({
    temporary,
    script: "fake-guest",
    command: ["echo", "works"],
  }).ended;

  expect(second).toMatchObject({ exitCode: 0, stdout: "works" });
  expect(runDirectories(temporary)).toEqual(directories);
  expect(seen.every(isStillAlive)).toBe(true);
  first.ended.kill("SIGTERM");
  expect((await first.ended).exitCode).toBe(143);
  await expectNothingLeft(seen, temporary);
});

// Ends the run script and the shell that started it.
const parentOf = (pid: string): string => `$(cut -d ' ' -f 4 /proc/${pid}/stat)`;
const killGuest = `p=${parentOf("$(cat $FAKE_STATE/shell.pid)")}; kill -KILL $p ${parentOf("$p")}`;

test.concurrent.for([
  { work: "a command", smoke: false },
  { work: "the checks", smoke: true },
])(
  "a guest that is lost during $work ends with 4, and the error names its console, which stays, and what to do",
  async ({ smoke }, context) => {
    const temporary = temporaryDirectory(context);
    writeFileSync(join(temporary, "systemctl"), `#!/bin/sh\n${killGuest}\n`, { mode: 0o755 });

    const { exitCode, all } = await startDryboot({
      temporary,
      script: "fake-guest",
      smoke,
      command: ["sh", "-c", `${killGuest}; sleep 606`],
      environment: { PATH: `${temporary}:${process.env["PATH"]}` },
    }).ended;

    expect(exitCode).toBe(4);
    const [directory] = runDirectories(temporary);
    expect(all).toMatch(/^error: expression: QEMU ended with signal 9/m);
    expect(all).toContain(`Kept: ${join(temporary, directory ?? "none")} (console.log`);
    expect(all).toMatch(/^ {2}To see it again: .*^next: Somebody killed it/ms);
    expect(readFileSync(join(temporary, directory ?? "none", "console.log"), "utf8")).toContain(
      "automatic login",
    );
  },
);

test.concurrent("Ctrl-C in the middle of a command ends with 130 and leaves nothing behind", async (context) => {
  const temporary = temporaryDirectory(context);
  const dryboot = startDryboot({ temporary, script: "fake-guest", command: ["sleep", "606"] });
  await dryboot.reaches(/^sleep 606/m);
  const seen = dryboot.processes();

  dryboot.ended.kill("SIGINT");

  expect((await dryboot.ended).exitCode).toBe(130);
  await expectNothingLeft(seen, temporary);
});

test.concurrent("a second Ctrl-C does not wait for a guest that stays, and leaves nothing behind either", async (context) => {
  const temporary = temporaryDirectory(context);
  const dryboot = startDryboot({ temporary, script: "ignores-term" });
  await dryboot.reaches(/ignores-term\.sh -nographic/);
  const seen = dryboot.processes();

  // Within a second it counts as the same one: npm passes it on once more.
  const again = setInterval(() => dryboot.ended.kill("SIGINT"), 400);
  const { exitCode, stderr } = await dryboot.ended.finally(() => clearInterval(again));

  expect(exitCode).toBe(130);
  expect(stderr).toContain("forced to end");
  await expectNothingLeft(seen, temporary);
});
