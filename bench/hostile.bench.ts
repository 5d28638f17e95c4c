import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { execa } from "execa";
import { expect, test } from "vitest";
import { watchPeakMemory } from "../tests/fixtures/peak-memory.ts";
import { scriptedMachine } from "../tests/fixtures/scripted-machine.ts";
import { printFigures, type Figure } from "./figures.ts";

const here = (path: string): string => fileURLToPath(new URL(path, import.meta.url));
const cli = here("../bin/dryboot.js");
const seconds = Number(process.env["DRYBOOT_BENCH_SECONDS"] ?? 30);
const megabytes = Number(process.env["DRYBOOT_BENCH_BULK_MB"] ?? 300);

/** A guest whose console a service floods from the first moment, with all that a terminal obeys. */
const floodedGuest = `{ pkgs, ... }: {
  imports = [ ${here("../machines/minimal.nix")} ];
  systemd.services.hostile = {
    wantedBy = [ "multi-user.target" ];
    path = [ pkgs.bash ];
    # The terminal is hung up when its shell starts.
    script = "trap '' HUP; while :; do bash \${${here("../tests/fixtures/run-scripts/floods.sh")}} >/dev/ttyS0; done";
  };
}`;

const attacks: readonly Attack[] = [
  {
    name: `console flooded by a program, ${seconds} s`,
    args: ["smoke", ...scriptedMachine({ script: "floods" }), "--timeout", String(seconds)],
    exitCode: 4,
  },
  {
    name: "console of a guest flooded, smoke",
    args: ["smoke", "--expr", floodedGuest],
    exitCode: 0,
  },
  {
    name: `${megabytes} MB on stdout and stderr each, console flooded`,
    args: [
      "run",
      "--expr",
      floodedGuest,
      "--",
      "bash",
      "-c",
      `yes | head -c ${megabytes}M & head -c ${megabytes}M /dev/zero >&2; wait`,
    ],
    exitCode: 0,
  },
];

interface Attack {
  readonly name: string;
  readonly args: readonly string[];
  readonly exitCode: number;
}

test("memory of the command line while a guest attacks", async () => {
  const figures: Figure[] = [];
  for (const attack of attacks) figures.push(await figureOf(attack));
  printFigures("Hostile guests: most memory that dryboot's process held", figures);
});

async function figureOf({ name, args, exitCode }: Attack): Promise<Figure> {
  const temporary = mkdtempSync(join(tmpdir(), "bench-"));
  try {
    const dryboot = execa(process.execPath, [cli, ...args], {
      env: { TMPDIR: temporary },
      stdio: "ignore",
      reject: false,
    });
    using memory = watchPeakMemory(() => dryboot.pid);
    expect((await dryboot).exitCode).toBe(exitCode);
    return { what: name, value: memory.peakBytes / 1_000_000, unit: "MB", goal: "< 150" };
  } finally {
    rmSync(temporary, { recursive: true });
  }
}
