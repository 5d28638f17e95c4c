import { readFileSync } from "node:fs";
import { init as initialise } from "../../init/index.ts";
import { exitCodes } from "../../errors.ts";
import { renderTable } from "../../report/index.ts";
import type { Context } from "../context.ts";
import { columnsOf, writeLines } from "../io.ts";

/** Puts dryboot into the configuration repository in the current directory. */
export async function init({ io, settings, progress, palettes }: Context): Promise<number> {
  const result = await initialise({
    ...settings.nix,
    versions: versionsToInstall(),
    onProgress: ({ phase, detail }) =>
      progress.update("init", { phase, ...(detail === undefined ? {} : { detail }) }),
  });
  progress.done("init");
  if (settings.json) {
    io.stdout.write(`${JSON.stringify(result)}\n`);
    return exitCodes.held;
  }
  const palette = palettes.stdout;
  const rows = result.files.map(({ path, action, detail = "" }) => [
    action === "kept" ? palette.dim(action) : palette.green(action),
    path,
    palette.dim(detail),
  ]);
  writeLines(io.stdout, [
    ...renderTable(rows, { columns: columnsOf(io.stdout) }),
    ...result.remarks.map((remark) => `${palette.yellow("!")} ${remark}`),
    "",
    `now: npm install && npm run ${result.testScript}`,
  ]);
  return exitCodes.held;
}

/** dryboot as it is here, and the vitest that it was made for. */
function versionsToInstall(): Record<string, string> {
  const text = readFileSync(new URL("../../../package.json", import.meta.url), "utf8");
  const own = JSON.parse(text) as {
    readonly version: string;
    readonly peerDependencies: { readonly vitest: string };
  };
  return { dryboot: `^${own.version}`, vitest: own.peerDependencies.vitest };
}
