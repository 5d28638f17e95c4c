// A guest that attacks: what the user sees, what dryboot says of it, and how much memory that takes.
import { spawnSync } from "node:child_process";
import { chmodSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { stripVTControlCharacters } from "node:util";
import { execa } from "execa";
import { afterEach, beforeEach, expect, test } from "vitest";
import { runOnTerminal } from "../fixtures/dryboot-on-terminal.ts";
import { processesOf } from "../fixtures/process-tree.ts";
import { scriptedMachine } from "../fixtures/scripted-machine.ts";

const cli = fileURLToPath(new URL("../../bin/dryboot.js", import.meta.url));

let temporary: string;
beforeEach(() => {
  temporary = mkdtempSync(join(tmpdir(), "hostile-"));
  // Nix makes its build directories there too, for users of its own where there are such.
  chmodSync(temporary, 0o755);
});
afterEach(() => {
  expect(processesOf(-1, temporary)).toEqual([]);
  rmSync(temporary, { recursive: true });
});

const mostBytes = 150_000_000;

/** What dryboot itself does to a terminal: the colours of its report, and the lines of its progress drawn again. */
// oxlint-disable-next-line no-control-regex -- it is what may be there
const drawing = /\x1b\[(?:0|1|2|22|31|32|33|36|39)m|\x1b\[\d+A|\x1b\[J|[\r\n]/g;

// oxlint-disable-next-line no-control-regex -- it is what must not be there
const obeyed = /[\u0000-\u0008\u000b-\u001f\u007f-\u009f]/;

test("a guest that floods its console and attacks the terminal is a boot that failed, and touches nothing", async () => {
  const { exit, shown, peakBytes } = await runOnTerminal(
    ["smoke", ...scriptedMachine({ script: "floods" }), "--accel", "tcg", "--timeout", "6"],
    { TMPDIR: temporary },
  );
  expect(exit.exitCode).toBe(4);
  expect(shown).toContain("the guest showed no root prompt within 6 s");
  expect(shown.replace(drawing, "")).not.toMatch(obeyed);
  expect(shown).not.toMatch(/cm0g|you are root|evil/);
  expect(peakBytes).toBeGreaterThan(20_000_000);
  expect(peakBytes).toBeLessThan(mostBytes);
});

// A small disk of one's own needs a mount.
const canMount = spawnSync("unshare", ["--mount", "true"]).status === 0;

test.skipIf(!canMount)(
  "a disk that fills up ends the recording with one word, and not the run",
  async () => {
    const mounted = 'mount -t tmpfs -o size=2m none "$0" && exec "$@"';
    const smoke = ["smoke", ...scriptedMachine({ script: "floods" }), "--accel", "tcg"];
    const { exitCode, stderr } = await execa({
      reject: false,
      stdin: "ignore",
      env: { TMPDIR: temporary },
    })`unshare --mount sh -c ${mounted} ${temporary} ${process.execPath} ${cli} ${smoke} --timeout 3`;
    expect(stderr.match(/recorded no further: .* the disk is full/g)).toHaveLength(1);
    expect(stderr).toContain("the guest showed no root prompt within 3 s");
    expect(exitCode).toBe(4);
  },
);

test("a guest that QEMU has paused because this host's disk is full is lost at once", async () => {
  const { exitCode, stderr } = await execa(
    process.execPath,
    [cli, "smoke", ...scriptedMachine({ script: "paused.cjs" }), "--accel", "tcg"],
    { reject: false, stdin: "ignore", env: { TMPDIR: temporary } },
  );
  expect(stderr).toMatch(/^error: .*this host's disk is full, so QEMU has paused the guest/m);
  expect(exitCode).toBe(4);
});

const unitsFail = fileURLToPath(new URL("../fixtures/machines/units-fail.nix", import.meta.url));
const attack = fileURLToPath(new URL("../fixtures/run-scripts/floods.sh", import.meta.url));

/** Boots, while a service takes the console for itself from the first moment, again and again; two others fail. */
const hostileMachine = `{ pkgs, ... }: {
  imports = [ ${unitsFail} ];
  systemd.services.hostile = {
    wantedBy = [ "multi-user.target" ];
    path = [ pkgs.bash ];
    # The terminal is hung up when its shell starts. Between two attacks the guest has time for what it is asked.
    script = "trap '' HUP; while :; do bash \${${attack}} | head -c 60000 >/dev/ttyS0 || :; sleep 2; done";
  };
}`;

test("a guest that boots and attacks is judged by what it is, each unit that fails with its reason, and touches nothing", async ({
  onTestFinished,
}) => {
  const directory = mkdtempSync(join(tmpdir(), "hostile-repository-"));
  onTestFinished(() => rmSync(directory, { recursive: true }));
  // The attacks make that one long, and it judges nothing that they could touch.
  const settings = { checks: { off: ["second-activation"] } };
  writeFileSync(join(directory, "dryboot.config.json"), JSON.stringify(settings));
  const { exit, shown, peakBytes } = await runOnTerminal(
    ["smoke", "--expr", hostileMachine],
    { TMPDIR: temporary },
    directory,
  );
  const text = stripVTControlCharacters(shown);
  expect(text).toMatch(/✓ +hostile\.service +\S+ +is active/);
  expect(text).toMatch(/✗ +flapping\.service +\S+ +restarts for ever/);
  expect(text).toMatch(/✗ +greeter\.service +\S+ +has failed/);
  expect(text).toContain("no greeting in /etc/greeting");
  expect(exit.exitCode, shown.slice(-3000)).toBe(1);
  // The kernel's own lines tear control strings, and what then follows is text; but nothing is obeyed.
  expect(shown.replace(drawing, "")).not.toMatch(obeyed);
  expect(peakBytes).toBeLessThan(mostBytes);
  const [kept = expect.fail("nothing was kept"), ...others] = readdirSync(temporary);
  expect(text).toContain(`kept: ${join(temporary, kept)} `);
  expect(others).toEqual([]);
});
