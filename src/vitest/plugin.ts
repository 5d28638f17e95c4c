import type { Plugin } from "vitest/config";
import { DrybootError } from "../errors.ts";
import { besideThis } from "./own-files.ts";
import type { DrybootSettings } from "./settings.ts";

/** Has vitest build what its tests use, before the first of them and again when a machine has changed. */
export function machinesPlugin(settings: DrybootSettings): Plugin {
  return {
    name: "dryboot",
    async configureVitest({ vitest, project }) {
      // What others have measured is put together here; nothing is built or booted.
      if (vitest.config.mergeReports !== undefined) return;
      // Not imported: a configuration is loaded often, and all of dryboot only for a run.
      const { takePart } = await vitest.import<typeof import("./take-part.ts")>(
        besideThis("take-part"),
      );
      await takePart(vitest, project, settings).catch((error: unknown) => {
        throw error instanceof DrybootError ? startupError(error) : error;
      });
    },
  };
}

/** As vitest shows it, with its stack and its fields: what is wrong is in the configuration, not in dryboot. */
function startupError({ message, details, hint }: DrybootError): Error {
  const error = new Error([message, ...details, ...(hint === undefined ? [] : [hint])].join("\n"));
  error.stack = `${error.name}: ${error.message}`;
  return error;
}
