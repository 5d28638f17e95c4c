import { GuestLostError } from "../errors.ts";
import type { Machine } from "../machine/index.ts";
import type { Context } from "./context.ts";

/**
 * Waits for what is done with a guest that has booted. Where the guest is lost meanwhile, its console stays, as that of
 * one that does not boot does, and the error says where.
 */
export async function keepIfLost<T>(
  machine: Machine,
  { repeatCommand }: Pick<Context, "repeatCommand">,
  work: Promise<T>,
): Promise<T> {
  try {
    return await work;
  } catch (error) {
    if (!(error instanceof GuestLostError)) throw error;
    await machine.keepRunDirectory();
    const { code, message, details, hint } = error;
    throw new GuestLostError(message, {
      code,
      cause: error,
      details: [
        ...details,
        `Kept: ${machine.runDirectory} (console.log has all of its console)`,
        `To see it again: ${repeatCommand}`,
      ],
      hint,
    });
  }
}
