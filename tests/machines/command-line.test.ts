// The command line as the process that it is: signals, pipes, exit codes.
import { chmod, copyFile, mkdir, mkdtemp, readFile, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { afterAll, beforeAll, expect, test } from "vitest";
import { Deadline } from "../../src/deadline.ts";

const root = fileURLToPath(new URL("../..", import.meta.url));
let built: string;
let project: string;

beforeAll(async () => {
  // Inside node_modules, so that the dependencies are found; never the `dist` of somebody who builds meanwhile.
  await mkdir(join(root, "node_modules/.cache"), { recursive: true });
  built = await mkdtemp(join(root, "node_modules/.cache/dryboot-"));
  await copyFile(join(root, "package.json"), join(built, "package.json"));
  // Types are another one's concern.
  const options = ["--noCheck", "--declaration", "false", "--isolatedDeclarations", "false"];
  const outDir = join(built, "dist");
  await execa({ cwd: root })`npx tsc -p tsconfig.build.json ${options} --outDir ${outDir}`;
  project = await mkdtemp(join(tmpdir(), "dryboot-test-"));
  await mkdir(join(project, "machines"));
  await writeFile(join(project, "machines/web.nix"), "{ }");
  // A Nix that is at work for ever, and says where it is.
  await writeFile(
    join(project, "nix-instantiate"),
    `#!/bin/sh\necho $$ >${project}/pid\nexec sleep 600\n`,
  );
  await chmod(join(project, "nix-instantiate"), 0o755);
}, 60_000);

afterAll(async () => {
  await rm(built, { recursive: true });
  await rm(project, { recursive: true });
});

const dryboot = (argv: readonly string[]) =>
  execa(process.execPath, [join(built, "dist/cli/main.js"), ...argv], {
    cwd: project,
    reject: false,
    stdin: "ignore",
    env: { PATH: `${project}:${process.env["PATH"]}`, NO_COLOR: "1" },
  });

/** Waits until the fake Nix runs; gives its process. */
async function nixProcess(): Promise<number> {
  const deadline = Deadline.after(20_000);
  for (;;) {
    const text = await readFile(join(project, "pid"), "utf8").catch(() => "");
    if (text.endsWith("\n")) return Number(text);
    if (deadline.expired) throw new Error("Nix was not started");
    await deadline.sleep(20);
  }
}

test.for([
  { signal: "SIGINT", exitCode: 130 },
  { signal: "SIGTERM", exitCode: 143 },
  { signal: "SIGHUP", exitCode: 129 },
] as const)(
  "$signal ends with $exitCode and one line, and Nix with it",
  async ({ signal, exitCode }) => {
    await rm(join(project, "pid"), { force: true });
    const child = dryboot(["smoke", "web", "--quiet"]);
    const nix = await nixProcess();
    child.kill(signal);
    const result = await child;
    expect(result.exitCode).toBe(exitCode);
    expect(result.stdout).toBe("");
    expect(result.stderr).toMatch(/^error: .*interrupted.*$/);
    expect(() => process.kill(nix, 0)).toThrow("ESRCH");
  },
);

test("a reader that goes away is no failure", async () => {
  const script = `node ${join(built, "dist/cli/main.js")} --help | true; exit "\${PIPESTATUS[0]}"`;
  const result = await execa("bash", ["-c", script], { reject: false });
  expect(result).toMatchObject({ exitCode: 0, stderr: "" });
});

test("help comes without loading what the commands need", async () => {
  const loaded = await execa(
    process.execPath,
    [
      "--trace-exit",
      "--import",
      `data:text/javascript,${encodeURIComponent(tracer)}`,
      join(built, "dist/cli/main.js"),
      "--help",
    ],
    { reject: false },
  );
  expect(loaded.exitCode).toBe(0);
  expect(loaded.stderr).not.toMatch(/execa|node-pty|valibot/);
});

// Prints every module that is resolved.
const tracer = `
import { register } from "node:module";
register("data:text/javascript," + encodeURIComponent(\`
  import { writeSync } from "node:fs";
  export async function resolve(specifier, context, next) { writeSync(2, specifier + "\\\\n"); return next(specifier, context); }
\`));
`;

test("a Node that is too old ends with 5 and one line, before anything of dryboot is loaded", async () => {
  const older = "Object.defineProperty(process,'versions',{value:{node:'18.20.4'}})";
  const { exitCode, stderr } = await execa(
    process.execPath,
    ["--import", `data:text/javascript,${older}`, join(root, "bin/dryboot.js"), "list"],
    { reject: false },
  );
  expect(stderr).toMatch(
    /^error: dryboot needs Node 20\.19 or newer, and this is 18\.20\.4\nnext: /,
  );
  expect(exitCode).toBe(5);
});
