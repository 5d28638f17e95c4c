import { exitCodes } from "../../errors.ts";
import { canRun, examineHost, type Finding } from "../../host/index.ts";
import { renderTable, type Palette } from "../../report/index.ts";
import type { Context } from "../context.ts";
import { columnsOf, writeLines } from "../io.ts";

/** Prints what this host can do, and how to mend what it cannot. */
export async function doctor({ io, settings, palettes, progress }: Context): Promise<number> {
  progress.update("doctor", { phase: "looking at this host" });
  const findings = await examineHost({ ...settings.nix, accelerator: settings.accelerator });
  progress.done("doctor");
  const able = canRun(findings);
  if (settings.json) {
    io.stdout.write(`${JSON.stringify({ able, findings })}\n`);
  } else {
    const palette = palettes.stdout;
    const rows = findings.flatMap((finding) => rowsOf(finding, palette));
    const verdict = able
      ? palette.green("this host can run machines")
      : palette.red("this host cannot run machines");
    writeLines(io.stdout, [...renderTable(rows, { columns: columnsOf(io.stdout) }), "", verdict]);
  }
  return able ? exitCodes.held : exitCodes.host;
}

function rowsOf({ name, status, detail, remedy }: Finding, palette: Palette): string[][] {
  const mark = {
    fine: palette.green("✓"),
    warning: palette.yellow("!"),
    missing: palette.red("✗"),
  }[status];
  return [
    [mark, name, detail],
    ...(remedy === undefined ? [] : [["", "", `${palette.cyan("mend:")} ${remedy}`]]),
  ];
}
