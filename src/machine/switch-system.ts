import { UsageError } from "../errors.ts";
import { CommandFailedError, textOf, type CommandResult } from "./command.ts";
import type { RunningGuest } from "./guest.ts";
import { runCommand } from "./run-command.ts";

/**
 * Activates another system that lies in the guest's store, without making it the one that is booted next.
 * @throws UsageError where it does not lie there; CommandFailedError, with what the switch said
 */
export async function switchSystem(
  guest: RunningGuest,
  system: string,
  { timeoutMs }: { readonly timeoutMs: number },
): Promise<CommandResult> {
  const { name } = guest.options;
  if (!/^\/(nix\/store|run)\/[^/]/.test(system)) {
    throw new UsageError(`${name} is switched to the store path of a system, not to ${system}`);
  }
  const program = `${system}/bin/switch-to-configuration`;
  const there = await runCommand(guest, ["test", "-x", program], {
    purpose: `look at ${program}`,
    timeoutMs,
  });
  if (there.failed) {
    throw new UsageError(`${name}: there is no system ${system} in the guest's store`, {
      hint: "A system gets there as one of the machine's specialisations, or by virtualisation.additionalPaths",
    });
  }
  const result = textOf(
    await runCommand(guest, [program, "test"], { purpose: `switch to ${system}`, timeoutMs }),
  );
  if (result.failed) throw new CommandFailedError(name, result);
  return result;
}
