import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { expect, test, vi } from "vitest";
import { isAlive, startGuard, startTimeOf, terminate } from "../../src/process-group.ts";

const source = fileURLToPath(new URL("../../src/process-group.ts", import.meta.url));

function start(script: string, env: NodeJS.ProcessEnv = process.env): number {
  const child = spawn("bash", ["-c", script], { detached: true, stdio: "ignore", env });
  return child.pid ?? expect.fail("bash did not start");
}

test("a group is ended with everything that it started in groups of its own", async () => {
  const environment = `DRYBOOT_TEST=${process.pid}-groups`;
  const env = { ...process.env, DRYBOOT_TEST: environment.slice("DRYBOOT_TEST=".length) };
  const leader = start("set -m; sleep 1000 & sleep 1000 & wait", env);
  await vi.waitFor(() => expect(isAlive({ leader: -1, environment })).toBe(true), 30_000);
  await terminate({ leader });
  expect(isAlive({ leader: -1, environment })).toBe(false);
  await terminate({ leader });
});

test("a process that ignores TERM is killed after the grace period", async () => {
  const leader = start("trap '' TERM; while :; do sleep 0.05; done");
  await new Promise((resolve) => setTimeout(resolve, 100));
  await terminate({ leader }, { graceMs: 150 });
  expect(isAlive({ leader })).toBe(false);
});

test("a descendant that left the session is found by its environment", async () => {
  const environment = `DRYBOOT_TEST=${process.pid}-escaped`;
  const env = { ...process.env, DRYBOOT_TEST: environment.slice("DRYBOOT_TEST=".length) };
  const leader = start("setsid sleep 1000 & exit 0", env);
  await vi.waitFor(() => expect(isAlive({ leader })).toBe(false), 30_000);
  expect(isAlive({ leader, environment })).toBe(true);
  await terminate({ leader, environment });
  expect(isAlive({ leader, environment })).toBe(false);
});

test("a SIGKILL to the guarded process ends the group and removes its directory, but not a kept one", async () => {
  const directory = mkdtempSync(join(tmpdir(), "dryboot-guard-test-"));
  const kept = mkdtempSync(join(tmpdir(), "dryboot-guard-test-"));
  const pidFile = join(directory, "leader");
  // Node 20 does not read TypeScript.
  await build({
    configFile: false,
    logLevel: "silent",
    build: {
      ssr: source,
      outDir: join(directory, "built"),
      rollupOptions: { output: { entryFileNames: "process-group.mjs" } },
    },
  });
  const program = `
    import { spawn } from "node:child_process";
    import { writeFileSync } from "node:fs";
    import { startGuard } from ${JSON.stringify(join(directory, "built/process-group.mjs"))};
    const guard = startGuard({ directories: [${JSON.stringify(directory)}] });
    const script = "trap '' HUP; while :; do sleep 0.1; done";
    const child = spawn("bash", ["-c", script], { detached: true, stdio: "ignore" });
    guard.watch(child.pid);
    const keeping = startGuard({ directories: [${JSON.stringify(kept)}] });
    keeping.keep();
    writeFileSync(${JSON.stringify(pidFile)}, String(child.pid));
    setInterval(() => {}, 1000);
  `;
  const node = spawn(process.execPath, ["--input-type=module", "-e", program], { stdio: "ignore" });
  await vi.waitFor(() => expect(readFileSync(pidFile, "utf8")).not.toBe(""), 30_000);
  const leader = Number(readFileSync(pidFile, "utf8"));
  expect(isAlive({ leader })).toBe(true);
  node.kill("SIGKILL");
  await once(node, "exit");
  await vi.waitFor(() => expect(isAlive({ leader })).toBe(false), 30_000);
  await vi.waitFor(() => expect(existsSync(directory)).toBe(false), 30_000);
  await vi.waitFor(() => expect(isOnACommandLine(kept)).toBe(false), 30_000);
  expect(existsSync(kept)).toBe(true);
  rmSync(kept, { recursive: true });
}, 20_000);

test("a released guard touches nothing", async () => {
  const directory = mkdtempSync(join(tmpdir(), "dryboot-guard-test-"));
  writeFileSync(join(directory, "kept"), "");
  const leader = start("sleep 1000");
  const guard = startGuard({ directories: [directory] });
  guard.watch(leader);
  guard.release();
  await new Promise((resolve) => setTimeout(resolve, 200));
  expect(isAlive({ leader })).toBe(true);
  expect(existsSync(join(directory, "kept"))).toBe(true);
  await terminate({ leader });
  rmSync(directory, { recursive: true });
});

test("a process is named by its start time", () => {
  expect(startTimeOf(process.pid)).toMatch(/^\d+$/);
  expect(startTimeOf(2 ** 30)).toBeUndefined();
});

function isOnACommandLine(word: string): boolean {
  return readdirSync("/proc").some((name) => {
    try {
      return /^\d+$/.test(name) && readFileSync(`/proc/${name}/cmdline`, "utf8").includes(word);
    } catch {
      return false; // ended meanwhile
    }
  });
}
