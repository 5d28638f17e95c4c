// What can go wrong with a machine, seen from outside: exit code, first line, and what is left behind. Units that fail
// are in hostile.test.ts.
import {
  chmodSync,
  existsSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, afterEach, expect, test, vi } from "vitest";
import type { MachineResult } from "../../src/report/index.ts";
import { processesOf, type SeenProcess } from "../fixtures/process-tree.ts";

const cli = fileURLToPath(new URL("../../bin/dryboot.js", import.meta.url));
const minimal = fileURLToPath(new URL("../../machines/minimal.nix", import.meta.url));
const fixture = (name: string): string =>
  fileURLToPath(new URL(`../fixtures/machines/${name}.nix`, import.meta.url));

/** Where dryboot puts its run directories here, so that nothing else's are counted. */
const temporary = mkdtempSync(join(tmpdir(), "outcomes-"));
// Nix makes its build directories there too, for users of its own where there are such.
chmodSync(temporary, 0o755);
afterAll(() => rmSync(temporary, { recursive: true }));

const leftBehind = (): string[] => readdirSync(temporary);

/** The QEMU processes that run out of one of these run directories, but for that which measures the accelerator. */
const guests = (): SeenProcess[] =>
  processesOf(process.pid, temporary).filter(
    ({ commandLine }) =>
      /qemu-system/.test(commandLine) &&
      commandLine.includes(temporary) &&
      !commandLine.includes("probe.elf"),
  );

/** Run directories that dryboot kept and named in its output, as it should after a failure. */
const named: string[] = [];

afterEach(() => {
  expect(guests()).toEqual([]);
  expect(leftBehind().filter((name) => !named.includes(name))).toEqual([]);
  for (const name of named) rmSync(join(temporary, name), { recursive: true, force: true });
});

const smoke = (machine: string, environment: Record<string, string> = {}) =>
  execa(process.execPath, [cli, "smoke", machine], {
    reject: false,
    stdin: "ignore",
    env: { TMPDIR: temporary, ...environment },
  });

test.for([
  {
    fact: "a machine that does not exist ends with 2",
    machine: "wbe",
    exitCode: 2,
    says: [/wbe.*did you mean.*web/i],
  },
  {
    fact: "a syntax error ends with 3",
    machine: fixture("syntax-error"),
    exitCode: 3,
    says: [/syntax error.*syntax-error\.nix:3/],
  },
  {
    fact: "an unknown option ends with 3 and the name that was meant",
    machine: fixture("unknown-option"),
    exitCode: 3,
    says: [/services\.ngnix.*does not exist/],
  },
  {
    fact: "a failing build ends with 3 and the builder's last words",
    machine: fixture("build-fails"),
    exitCode: 3,
    says: [/nobody to greet/],
  },
  {
    fact: "a kernel that panics ends with 4 and the panic",
    machine: fixture("kernel-panics"),
    exitCode: 4,
    says: [/panic/i],
  },
  {
    fact: "a root file system that is not there ends with 4 in stage 1",
    machine: fixture("root-missing"),
    exitCode: 4,
    says: [/stage 1/i],
  },
])("$fact", async ({ machine, exitCode, says }) => {
  const result = await smoke(machine);
  const output = `${result.stdout}\n${result.stderr}`;
  named.push(...leftBehind().filter((name) => output.includes(join(temporary, name))));

  for (const words of says) expect(output).toMatch(words);
  expect(result.exitCode).toBe(exitCode);
});

test("a machine that held is looked at again without a boot, one that did not boots", async () => {
  const directory = mkdtempSync(join(tmpdir(), "repository-"));
  const cache = join(directory, "cache");
  // That one takes as long as everything else together, and has tests of its own.
  const settings = { machines: { minimal: { checks: { off: ["second-activation"] } } } };
  writeFileSync(join(directory, "dryboot.config.json"), JSON.stringify(settings));
  const smokeJson = async (...words: readonly string[]): Promise<MachineResult> => {
    const { stdout } = await execa(
      process.execPath,
      [cli, "smoke", minimal, "--json", "--accel", "tcg", ...words],
      {
        reject: false,
        stdin: "ignore",
        cwd: directory,
        env: { TMPDIR: temporary, XDG_CACHE_HOME: cache },
      },
    );
    named.push(...leftBehind().filter((name) => stdout.includes(join(temporary, name))));
    return JSON.parse(stdout);
  };
  const phases = (result: MachineResult): string[] => result.phases.map(({ name }) => name);
  const bootTime = ({ checks }: MachineResult) => checks.find(({ name }) => name === "boot-time");
  const states = ({ checks }: MachineResult): string[] =>
    checks.map(({ name, subject, status }) => `${name} ${subject} ${status}`);
  try {
    const first = await smokeJson();
    expect(first).toMatchObject({ start: "cold", outcome: "passed" });
    expect(phases(first).slice(-3)).toEqual(["login", "checkpoint", "checks"]);
    const second = await smokeJson();
    expect(second).toMatchObject({ start: "warm", outcome: "passed" });
    expect(phases(second)).toEqual(["evaluate", "build", "restore", "checks"]);
    expect(states(second)).toEqual(states(first));
    expect(bootTime(second)).toEqual(bootTime(first));

    const tooShort = ["--timeout", "1"];
    const isNoBoot = {
      code: "BOOT_TIMEOUT",
      message: expect.stringMatching(/at (?:qemu|stage 1)/),
    };
    const cold = await smokeJson("--cold", ...tooShort);
    expect(cold).toMatchObject({ start: "cold", outcome: "failed", error: isNoBoot });
    const afterFailure = await smokeJson(...tooShort);
    expect(afterFailure).toMatchObject({ outcome: "failed", error: isNoBoot });
    // Tests go on from it all the same.
    expect(readdirSync(join(cache, "dryboot", "checkpoints"))).toHaveLength(1);
  } finally {
    rmSync(directory, { recursive: true });
  }
});

/** A PATH with this host's programs, but for those whose names match. */
function pathWithout(names: RegExp): Disposable & { readonly path: string } {
  const path = mkdtempSync(join(tmpdir(), "path-"));
  const directories = (process.env["PATH"] ?? "").split(delimiter).filter(existsSync);
  // The first directory that has a program wins, as in a PATH.
  const programs = new Map(
    directories
      .toReversed()
      .flatMap((directory) =>
        readdirSync(directory).map((program) => [program, join(directory, program)] as const),
      ),
  );
  for (const [program, target] of programs) {
    if (!names.test(program)) symlinkSync(target, join(path, program));
  }
  return { path, [Symbol.dispose]: () => rmSync(path, { recursive: true }) };
}

test.for([
  { missing: "Nix", programs: /^nix/ },
  { missing: "QEMU", programs: /^qemu/ },
])("a host without $missing ends with 5 and the way to it", async ({ missing, programs }) => {
  using host = pathWithout(programs);
  const { exitCode, stderr } = await smoke("minimal", { PATH: host.path });

  expect(stderr).toMatch(new RegExp(`^error: ${missing} is missing`, "m"));
  expect(exitCode).toBe(5);
});

test.for(["SIGINT", "SIGKILL"] as const)(
  "%s in the middle of a boot leaves nothing behind",
  async (signal) => {
    const dryboot = smoke("minimal");
    await vi.waitFor(() => expect(guests()).toHaveLength(1), 120_000);

    dryboot.kill(signal);

    const { exitCode } = await dryboot;
    expect(exitCode).toBe(signal === "SIGINT" ? 130 : undefined);
    await vi.waitFor(() => expect(leftBehind()).toEqual([]), 20_000);
  },
);

test("a QEMU that is killed in the middle of a boot ends with 4 and how it ended", async () => {
  const dryboot = smoke("minimal");
  const [qemu] = await vi.waitFor(() => {
    const running = guests();
    expect(running).toHaveLength(1);
    return running;
  }, 120_000);

  process.kill(qemu?.pid ?? expect.fail("no QEMU"), "SIGKILL");

  const { exitCode, stderr } = await dryboot;
  named.push(...leftBehind().filter((name) => stderr.includes(join(temporary, name))));
  expect(stderr).toMatch(/QEMU ended with signal 9/);
  expect(exitCode).toBe(4);
});
