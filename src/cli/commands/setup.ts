import { setUpHost } from "../../host/index.ts";
import type { Context } from "../context.ts";

/** Installs what this host lacks; says nothing when nothing is missing. */
export async function setup(context: Context): Promise<number> {
  await prepareHost(context);
  const { io, settings } = context;
  if (settings.json) io.stdout.write(`${JSON.stringify({ ready: true })}\n`);
  return 0;
}

export async function prepareHost({ settings, progress }: Context): Promise<void> {
  await setUpHost({
    ...settings.nix,
    onStep: (step) => progress.note(step),
    onDetail: (detail) => progress.update("setup", { phase: "fetching", detail }),
  });
  progress.done("setup");
}
