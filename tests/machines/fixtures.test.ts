import { existsSync, mkdtempSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";

const config = fileURLToPath(new URL("../fixtures/vitest/vitest.config.ts", import.meta.url));
const vitest = fileURLToPath(new URL("../../node_modules/vitest/vitest.mjs", import.meta.url));
const directory = mkdtempSync(join(tmpdir(), "fixtures-test-"));

interface Outcome {
  readonly status: string;
  readonly message: string;
}

let output = "";
let outcomes: ReadonlyMap<string, Outcome>;
let reported: readonly string[];

// One run of vitest, as a user starts it, on tests of which some must fail.
beforeAll(async () => {
  const json = join(directory, "results.json");
  const report = join(directory, "report");
  const attachments = `--attachmentsDir=${join(directory, "attachments")}`;
  const run = await execa(
    process.execPath,
    [
      vitest,
      "run",
      "--config",
      config,
      "--reporter=default",
      "--reporter=json",
      `--outputFile.json=${json}`,
      attachments,
    ],
    {
      reject: false,
      all: true,
      env: { REPORT: report, TMPDIR: directory, XDG_RUNTIME_DIR: directory, NO_COLOR: "1" },
    },
  );
  output = run.all;
  const results = JSON.parse(readFileSync(json, "utf8")) as {
    testResults: {
      assertionResults: { title: string; status: string; failureMessages?: string[] }[];
    }[];
  };
  outcomes = new Map(
    results.testResults
      .flatMap(({ assertionResults }) => assertionResults)
      .map(({ title, status, failureMessages = [] }) => [
        title,
        { status, message: failureMessages.join("\n") },
      ]),
  );
  reported = readFileSync(report, "utf8").trim().split("\n");
}, 60_000);

afterAll(() => rmSync(directory, { recursive: true, force: true }));

const runDirectories = (key: string): string[] =>
  reported.filter((line) => line.startsWith(`${key}=`)).map((line) => line.slice(key.length + 1));

test("a guest of its own is gone, with its directory, when its test has passed", () => {
  expect(outcomes.get("own guest")).toMatchObject({ status: "passed" });
  expect(runDirectories("own").map((path) => existsSync(path))).toEqual([false]);
});

test("tests of a file share one guest", () => {
  expect(outcomes.get("shared guest, second")).toMatchObject({ status: "passed" });
  const [first, second] = runDirectories("shared");
  expect(second).toBe(first);
});

test("a failed test says what was wanted and seen, and keeps and names the run directory", () => {
  const { status, message } = outcomes.get("a matcher that does not hold") ?? {};
  expect(status).toBe("failed");
  expect(message).toMatch(
    /file \/nowhere of fake was expected to exist, but does not exist \(waited /,
  );
  const [kept = ""] = runDirectories("failed");
  expect(readFileSync(join(kept, "console.log"), "utf8")).toContain("<<< NixOS Stage 1 >>>");
  expect(message).toContain(`kept: ${kept}`);
  expect(message).toMatch(
    /again: npx vitest run --config \S+ \S*guests\.guest-test\.ts -t 'a matcher that does not hold'/,
  );
  expect(message).toMatch(
    /fake when the test failed[^]*the end of its console:[^]*automatic login/,
  );
});

test("a failed command shows what it wrote", () => {
  expect(outcomes.get("a command that fails")?.message).toMatch(
    /fake: command failed with exit code 9: [^]*stderr:\n +the reason/,
  );
});

test("each try of a test explains its own error", () => {
  const { status, message = "" } = outcomes.get("a test that fails at each try") ?? {};
  expect(status).toBe("failed");
  expect(message.match(/try \d|^again: /gm)).toEqual(["try 0", "again: ", "try 1", "again: "]);
});

test("a wait that nobody awaits fails its test, at the line where it stands", () => {
  const { status, message } = outcomes.get("waits and commands that nobody awaits") ?? {};
  expect(status).toBe("failed");
  expect(message).toMatch(
    /^Error: fake\.waitForFile\("\/"\) was not awaited: [^\n]*\n +at \S*guests\.guest-test\.ts:\d+/,
  );
  expect(message).not.toContain("fake.run");
  expect(outcomes.get("a console that nobody awaits")?.message).toContain(
    'fake.console.expect("automatic login") was not awaited',
  );
});

test("guests live by the host's clock, whatever clock a test has", () => {
  expect(outcomes.get("another clock in the test")).toMatchObject({ status: "passed" });
  expect(reported).toContain("at=0");
});

test("a boot that fails shows why and where", () => {
  expect(outcomes.get("a guest that does not boot")?.message).toMatch(
    /broken: the guest is lost: kernel panic [^]*Kept: .*dryboot-/,
  );
});

test("the timeout of a test ends the boot that it waits for", () => {
  expect(outcomes.get("a guest that does not end in time")).toMatchObject({ status: "failed" });
  expect(output).toMatch(/Test timed out in 500ms[^]*silent: interrupted at /);
  expect(output).not.toMatch(/Unhandled|close timed out/);
});
