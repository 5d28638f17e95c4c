import { fileURLToPath } from "node:url";
import type { Plugin } from "vitest/config";
import type { DrybootSettings } from "./settings.ts";

/** Has vitest build what its tests use, before the first of them and again when a machine has changed. */
export function machinesPlugin(settings: DrybootSettings): Plugin {
  return {
    name: "dryboot",
    async configureVitest({ vitest, project }) {
      // What others have measured is put together here; nothing is built or booted.
      if (vitest.config.mergeReports !== undefined) return;
      // Not imported: a configuration is loaded often, and all of dryboot only for a run. vitest reads TypeScript too.
      const [, directory, extension] =
        /^(.*\/)[^/]+(\.[jt]s)$/.exec(fileURLToPath(import.meta.url)) ?? [];
      const { takePart } = await vitest.import<typeof import("./take-part.ts")>(
        `${directory}take-part${extension}`,
      );
      await takePart(vitest, project, settings);
    },
  };
}
