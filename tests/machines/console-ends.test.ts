import { spawn } from "node:child_process";
import { once } from "node:events";
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { build } from "vite";
import { afterAll, beforeAll, expect, test, vi } from "vitest";

const root = fileURLToPath(new URL("../../", import.meta.url));
const scripts = join(root, "tests/fixtures/run-scripts");
// Inside the project, so that the packages are found.
const built = join(root, `node_modules/.dryboot-ends-test-${process.pid}`);

beforeAll(async () => {
  // Node 20 does not read TypeScript.
  await build({
    configFile: false,
    logLevel: "silent",
    build: {
      ssr: true,
      outDir: built,
      rollupOptions: {
        input: {
          console: join(root, "src/console/index.ts"),
          qemu: join(root, "src/qemu/index.ts"),
        },
        output: { entryFileNames: "[name].mjs" },
      },
    },
  });
});
afterAll(() => rmSync(built, { recursive: true }));

test.concurrent.each(["fake-guest.sh", "leaves-a-child.sh", "silent.sh"])(
  "nothing of %s survives a SIGKILL to dryboot",
  async (script) => {
    const parent = mkdtempSync(join(tmpdir(), "dryboot-ends-test-"));
    const program = `
      import { Console, spawnPty } from ${JSON.stringify(join(built, "console.mjs"))};
      import { createRunDirectory, runScriptCall } from ${JSON.stringify(join(built, "qemu.mjs"))};
      const runDirectory = await createRunDirectory({ graceMs: 300 });
      const accelerator = { name: "tcg", qemuArguments: [], kernelParameters: [], timeoutScale: 1 };
      const pty = spawnPty({
        file: ${JSON.stringify(join(scripts, script))},
        ...runScriptCall({ runDirectory, accelerator }),
        marker: runDirectory.marker,
      });
      runDirectory.guard.watch(pty.pid);
      new Console(pty);
      setTimeout(() => process.stdout.write("started"), 200);
      setInterval(() => {}, 1000);
    `;
    const dryboot = spawn(process.execPath, ["--input-type=module", "-e", program], {
      env: { ...process.env, TMPDIR: parent },
      stdio: ["ignore", "pipe", "inherit"],
    });
    await once(dryboot.stdout, "data");
    expect(carrying(parent)).not.toEqual([]);
    expect(readdirSync(parent)).toHaveLength(1);
    dryboot.kill("SIGKILL");
    await once(dryboot, "exit");
    await vi.waitFor(
      () => {
        expect(carrying(parent)).toEqual([]);
        expect(readdirSync(parent)).toEqual([]);
      },
      { timeout: 15_000, interval: 100 },
    );
    rmSync(parent, { recursive: true });
  },
  20_000,
);

/** Processes whose environment names a directory. */
function carrying(directory: string): string[] {
  return readdirSync("/proc").filter((pid) => {
    if (!/^\d+$/.test(pid) || !existsSync(`/proc/${pid}/environ`)) return false;
    try {
      return readFileSync(`/proc/${pid}/environ`, "latin1").includes(
        `DRYBOOT_RUN_DIRECTORY=${directory}/`,
      );
    } catch {
      return false;
    }
  });
}
