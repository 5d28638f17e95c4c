// vitest with dryboot in it, run as users run it, in projects of their own.
import { once } from "node:events";
import { chmodSync, mkdirSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { connect } from "node:net";
import { availableParallelism } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { describe, expect, test, vi } from "vitest";
import {
  createProject,
  fakeMachine,
  type Project,
  type RunningTests,
} from "../fixtures/vitest/project.ts";

const head = `import { expect, test } from "dryboot/test";\nimport { note } from "../note.ts";\n`;

// Put together here, so that this file itself does not seem to use these machines.
const start = (...asked: readonly string[]): string => `machines.start(${asks(asked)})`;
const shared = (...asked: readonly string[]): string => `machines.shared(${asks(asked)})`;
const asks = ([machine, ...options]: readonly string[]): string =>
  [`"${machine}"`, ...options].join(", ");

/** A file with one test that boots one machine. */
const boots = (machine: string): string => `${head}
test("${machine} boots", async ({ machines }) => {
  note((await machines.start("${machine}")).name);
});
`;

const twoMachines = {
  "machines/web.nix": fakeMachine("web"),
  "machines/db.nix": fakeMachine("db"),
  "tests/web.test.ts": boots("web"),
  "tests/db.test.ts": boots("db"),
  "tests/none.test.ts": `${head}\ntest("no machine", () => note("none"));`,
};

describe("before the first test", () => {
  test("the machines that the selected tests name are built; one that cannot be fails its own tests alone", async () => {
    using project = createProject({
      ...twoMachines,
      "machines/broken.nix": "{ networking.hostNam = 1; }",
      "tests/broken.test.ts": boots("broken"),
      "tests/mail.test.ts": boots("mail"),
    });
    // As many builds at once as there are cores: the vms of these two wait for each other.
    const here = (file: string): string => join(project.directory, "meeting", file);
    mkdirSync(here(""));
    chmodSync(here(""), 0o777);
    const meets = (own: string, other: string): string =>
      availableParallelism() === 1
        ? ":"
        : `touch ${here(own)}; for try in $(seq 600); do test -e ${here(other)} && break; sleep 0.1; done; test -e ${here(other)} || exit 1`;
    project.put("machines/db.nix", fakeMachine("db", "", meets("db", "mail")));
    project.put("machines/mail.nix", fakeMachine("mail", "", meets("mail", "db")));
    const { exitCode, output } = await project.vitest(["run", "db", "mail", "none", "broken"]);
    expect(output).toMatch(
      /machines: (db, mail|mail, db), and not broken \([^)]*\d m?s\)[^]*✓ tests\/db\.test\.ts/,
    );
    expect(output).toMatch(
      /FAIL +tests\/broken\.test\.ts\S* > broken boots\nNixError: broken: the option `networking\.hostNam' does not exist/,
    );
    expect(output).not.toContain("web");
    expect(project.notes().toSorted()).toEqual(["db", "mail", "none"]);
    expect(exitCode).toBe(1);
  });
});

describe("dryboot test", () => {
  test("runs the selected tests as vitest does, with the options of the command line", async () => {
    using project = createProject({
      ...twoMachines,
      "dryboot.config.json": `{ "memory": 600 }`,
      "tests/web.test.ts": `${head}import { readFileSync } from "node:fs";
test("memory", async ({ machines }) => {
  const { runDirectory } = await ${start("web")};
  note(/^-m\\n(.*)$/m.exec(readFileSync(runDirectory + "/arguments", "utf8"))?.[1] ?? "none");
});
test("fails", () => expect(1).toBe(2));
`,
    });
    const config = project.read("vitest.config.ts");
    project.put("vitest.config.ts", config.replace("dryboot: {", "dryboot: { memoryMiB: 650,"));
    const web = await project.dryboot(["test", "web", "--memory", "700"]);
    expect(web.output).toMatch(/Tests +1 failed \| 1 passed/);
    expect(web.exitCode).toBe(1);
    expect(project.notes()).toEqual(["700"]);

    const none = await project.dryboot(["test", "none", "--", "-t", "no machine"]);
    expect(none.output).toMatch(/Tests +1 passed/);
    expect(none.exitCode).toBe(0);
  });

  test("where there is no vitest, says how to get it", async () => {
    using project = createProject({});
    rmSync(join(project.directory, "node_modules"), { recursive: true });
    const { exitCode, output } = await project.dryboot(["test"]);
    expect(output).toMatch(/^error: vitest is not installed here\n.*dryboot init/);
    expect(exitCode).toBe(2);
  });
});

describe("what users know of vitest", () => {
  test("shards build and run their own part, and their blobs merge into one report", async () => {
    using project = createProject(twoMachines);
    const noted = (): string[] => project.notes().filter((note) => note !== "none");
    let before = 0;
    for (const shard of ["1/2", "2/2"]) {
      const { output } = await project.vitest(["run", `--shard=${shard}`, "--reporter=blob"]);
      const built = /machines: (.*) \(/.exec(output)?.[1]?.split(", ") ?? [];
      expect(built.toSorted()).toEqual(noted().slice(before).toSorted());
      before = noted().length;
    }
    expect(project.notes().toSorted()).toEqual(["db", "none", "web"]);

    const merged = await project.vitest(["run", "--merge-reports", "--reporter=default"]);
    expect(merged.output).toMatch(/Tests +3 passed/);
    expect(merged.output).not.toMatch(/machines:/);
    expect(project.notes()).toHaveLength(3);
  });

  test("a retry gets a guest of its own, and a file's options go before those of the project", async () => {
    using project = createProject({
      ...twoMachines,
      "dryboot.config.json": `{ "cores": 2, "machines": { "web": { "memory": 600, "cores": 1 } } }`,
      "tests/web.test.ts": `${head}
test.override({ machineOptions: { memoryMiB: 700, overrides: "{ virtualisation.memorySize = 900; }" } });
test("retried", { retry: 2 }, async ({ machines, task }) => {
  const web = await ${start("web")};
  note(web.runDirectory);
  const given = await web.succeed("cat $FAKE_STATE/arguments");
  expect(given).toMatch(/^memory=900\\n[^]*\\n-m\\n700\\n-smp\\n1\\n/);
  expect(task.result?.retryCount).toBe(1);
});
test("left out", () => note("left out"));
`,
    });
    const { exitCode, output } = await project.vitest(["run", "-t", "retried"]);
    expect(output).toMatch(/Tests +1 passed \| \d skipped/);
    expect(new Set(project.notes()).size).toBe(2);
    expect(exitCode).toBe(0);
  });

  test("test.only leaves the others out, and bail ends the run at the first failure", async () => {
    using project = createProject({
      ...twoMachines,
      "tests/web.test.ts": `${head}
test("web boots", async ({ machines }) => note((await ${start("web")}).name));
test.only("fails", () => expect(1).toBe(2));
`,
    });
    const { exitCode, output } = await project.vitest([
      "run",
      "--bail=1",
      "--no-file-parallelism",
      "web",
      "none",
    ]);
    expect(output).toMatch(/Tests +1 failed \| \d skipped/);
    expect(project.notes()).toEqual([]);
    expect(exitCode).toBe(1);
  });

  test("a pool whose files do not share Node's own classes is refused in one line", async () => {
    using project = createProject(twoMachines);
    const { exitCode, output } = await project.vitest(["run", "--pool=vmThreads"]);
    expect(output).toMatch(
      /^\[?Error: tests of machines cannot run in vitest's pool vmThreads: set test\.pool to "forks" or "threads"\]?$/m,
    );
    expect(output).not.toMatch(/^ +at /m);
    expect(exitCode).toBe(1);
  });
});

describe("guests of several workers", () => {
  test("share the host's cores, and tests that want two guests each all get them", async () => {
    const all = `{ cores: ${availableParallelism() + 1} }`;
    const single = `${head}
test("one", async ({ machines }) => {
  const web = await ${start("web", all)};
  note("up");
  await web.succeed("sleep 0.3");
  note("down");
});
`;
    const double = `${head}
test("two", async ({ machines }) => {
  const first = await ${shared("web", all)};
  const second = await ${start("web", all)};
  expect(second.runDirectory).not.toBe(first.runDirectory);
});
`;
    using project = createProject({
      "machines/web.nix": fakeMachine("web"),
      ...Object.fromEntries(
        ["1", "2", "3"].flatMap((file) => [
          [`tests/single-${file}.test.ts`, single],
          [`tests/double-${file}.test.ts`, double],
        ]),
      ),
    });
    const { output } = await project.vitest(["run", "--maxWorkers=3"]);
    expect(output).toMatch(/Tests +6 passed/);
    expect(project.notes()).toEqual(["up", "down", "up", "down", "up", "down"]);
  });
});

describe("a failed test", () => {
  const failing = {
    "machines/web.nix": fakeMachine("web"),
    "tests/web.test.ts": `${head}
test("has a file (or not)", async ({ machines }) => {
  const web = await ${start("web")};
  note(web.runDirectory);
  await expect(web.file("/nowhere")).toExist({ timeoutMs: 100 });
});
`,
  };

  const withSecret = `
test("knows a secret", async ({ machines }) => {
  const web = await ${start("web")};
  const token = ["zq", "9f81c0"].join("-");
  const path = web.runDirectory + "/token";
  await web.writeFile(path, token, { secret: true });
  expect(await web.readFile(path)).toBe(token);
  await expect.soft(web.file(path)).toHaveContent("another", { timeoutMs: 100 });
  expect.soft(await web.readFile(path)).toBe("another");
  await web.succeed("cat " + path + " >&2; exit 3");
});
`;

  test("tells reporters of machines what it tells people, with the console attached", async () => {
    const tests = { "tests/web.test.ts": failing["tests/web.test.ts"] + withSecret };
    using project = createProject({ ...failing, ...tests });
    const reporters = ["junit", "json", "github-actions"].map((name) => `--reporter=${name}`);
    const outputs = ["--outputFile.junit=out.xml", "--outputFile.json=out.json"];
    const { output } = await project.vitest(["run", ...reporters, ...outputs], {
      GITHUB_ACTIONS: "true",
    });
    const [kept = ""] = project.notes();
    const again = String.raw`npx vitest run tests/web.test.ts -t 'has a file \(or not\)'`;
    expect(output).toMatch(/^::error file=.*web\.test\.ts,.*line=7,.*\/nowhere of web/m);
    expect(output).toContain(kept);

    for (const told of [output, project.read("out.xml"), project.read("out.json")]) {
      expect(told).toMatch(/knows a secret[^]*stderr:(?:\s|%0A|\\n)+••••/);
      expect(told).not.toContain("zq-9f81c0");
    }
    const xml = project.read("out.xml");
    expect(xml).toContain(`kept: ${kept}`);
    expect(xml).toContain(again.replaceAll("'", "&apos;"));
    const { testResults } = JSON.parse(project.read("out.json"));
    expect(testResults[0].assertionResults[0]).toMatchObject({
      failureMessages: [expect.stringContaining(again)],
      meta: { dryboot: { evidence: [{ machine: "web", runDirectory: kept, failedUnits: [] }] } },
    });
    const [attachment = ""] = readdirSync(join(project.directory, ".vitest-attachments"));
    expect(project.read(`.vitest-attachments/${attachment}`)).toContain("<<< NixOS Stage 1 >>>");
  });

  const paused: readonly [string, (project: Project) => RunningTests][] = [
    ["DRYBOOT_PAUSE=1", (project) => project.start(["run"], { DRYBOOT_PAUSE: "1" })],
    ["dryboot test --pause", (project) => project.startDryboot(["test", "--pause"])],
  ];
  test.each(paused)(
    "keeps its guest with %s until somebody who was at its console has left",
    async (_, startTests) => {
      using project = createProject(failing);
      const run = startTests(project);
      let said = "";
      run.all.on("data", (chunk: Buffer) => void (said += chunk.toString()));
      await vi.waitFor(() => expect(said).toContain("leaves the console"), 120_000);
      expect(said).toMatch(
        /Paused: has a file \(or not\)\n +file \/nowhere of web was expected to exist/,
      );
      const [directory = ""] = /(?<=npx dryboot attach )\S+/.exec(said) ?? [];
      expect(directory).toBe(project.notes()[0]);

      const terminal = connect(join(directory, "console"));
      await once(terminal, "connect");
      terminal.write("\x1d\x1d\x1d");
      const { exitCode, all } = await run;
      expect(all).toContain(`kept: ${directory}`);
      expect(exitCode).toBe(1);
    },
  );
});

describe("a real guest", () => {
  // The one boot here: what only a guest with systemd, a display and a journal has.
  test("shows its failed units, their journal and its screen when a test fails", async () => {
    const machines = fileURLToPath(new URL("../../machines", import.meta.url));
    using project = createProject(
      {
        "tests/minimal.test.ts": `${head}
test("greets", async ({ machines }) => {
  const minimal = await ${start("minimal")};
  note(minimal.runDirectory);
  await minimal.fail("systemd-run --wait --unit=greeter sh -c 'echo no greeting >&2; exit 7'");
  await minimal.succeed("exit 3");
});
`,
      },
      { dryboot: `{ machinesDirectory: "${machines}" }` },
    );
    const { exitCode, output } = await project.vitest(["run"], {
      NIX_CONFIG: process.env["NIX_CONFIG"] ?? "",
      // This guest counts among those of the other files.
      XDG_RUNTIME_DIR: process.env["XDG_RUNTIME_DIR"] ?? "",
    });
    const [kept = ""] = project.notes();
    expect(output).toMatch(/CommandFailedError: minimal: command failed with exit code 3/);
    expect(output).toMatch(
      /── minimal when the test failed ──\nfailed unit greeter\.service:\n[^]*status=7[^]*journal of greeter\.service:\n[^]*no greeting/,
    );
    expect(output).toContain(`kept: ${kept} (console.log, screen.png)`);
    expect(exitCode).toBe(1);

    const attached = readdirSync(join(project.directory, ".vitest-attachments"));
    const screen = attached.find((name) => name.startsWith("minimal-screen")) ?? "";
    const image = readFileSync(join(project.directory, ".vitest-attachments", screen));
    expect(image.subarray(1, 4).toString()).toBe("PNG");
  });
});

describe("in watch mode", () => {
  test("a changed Nix file runs the tests of those machines again that changed by derivation", async () => {
    using project = createProject({
      ...twoMachines,
      "more.nix": "{ virtualisation.memorySize = 800; }",
      "tests/more.test.ts": `${head}
test("a computed name, with more", async ({ machines }) => {
  const name = ["d", "b"].join("");
  note((await machines.start(name, { overrides: "./more.nix" })).name + " with more");
});
`,
    });
    const run = project.start(["watch"]);
    let said = "";
    run.all.on(
      "data",
      (chunk: Buffer) => void (said += stripVTControlCharacters(chunk.toString())),
    );
    const saysNext = async (pattern: RegExp): Promise<string> => {
      const since = said.length;
      await vi.waitFor(() => expect(said.slice(since)).toMatch(pattern), 120_000);
      return said.slice(since);
    };
    await saysNext(/Waiting for file changes/);
    expect(project.notes().toSorted()).toEqual(["db", "db with more", "none", "web"]);

    project.put("machines/web.nix", fakeMachine("web", "# a comment"));
    await saysNext(/machines\/web\.nix: no machine of these tests changed with it/);

    project.put("machines/web.nix", fakeMachine("web").replace("memory=", "memory:"));
    const rerun = await saysNext(/Waiting for file changes/);
    expect(rerun).toMatch(/machines\/web\.nix: web changed with it[^]*Tests +1 passed/);
    expect(project.notes().slice(4)).toEqual(["web"]);

    project.put("more.nix", "{ virtualisation.memorySize = 801; }");
    expect(await saysNext(/Waiting for file changes/)).toMatch(/more\.nix: db changed with it/);
    expect(project.notes().slice(5)).toEqual(["db with more"]);

    run.kill("SIGINT");
    await run;
  });
});
