// How long a look at the guest may take. Whatever it asks of the guest, however deep down, ends with it.
import { AsyncLocalStorage } from "node:async_hooks";
import { Deadline } from "../deadline.ts";
import { exitCodes, GuestError } from "../errors.ts";
import type { CommandResult } from "./command.ts";
import type { CommandRunner } from "./runner.ts";

/** The look that is being taken, for what runs commands; or all that is done for one purpose. */
export interface Look {
  /** Commands are ended in the guest then. */
  readonly commandDeadline?: Deadline;
  /** Ends what is still under way when nobody waits for it any more. */
  readonly signal: AbortSignal;
}

// Between the limit of a look, the end of its commands in the guest, and that of waiting for the guest to say so.
const graceMs = 500;

const current = new AsyncLocalStorage<Look>();

export function currentLook(): Look | undefined {
  return current.getStore();
}

/** A look was not over at its limit. */
export class LookCutOffError extends GuestError {
  readonly code = "COMMAND_TIMEOUT" as const;
  readonly exitCode: 1 = exitCodes.failed;
  /** Of the command that was ended; `undefined` where the guest did not answer. */
  readonly result: CommandResult | undefined;

  constructor(machine: string, result?: CommandResult) {
    super(`${machine}: a look at it did not come back`);
    this.result = result;
  }
}

/**
 * Gives what `act` gives, which is told the deadline and has a grace period more.
 * @throws LookCutOffError where it takes longer
 */
export async function withinLook<T>(
  { name, timeoutScale, signal }: Pick<CommandRunner, "name" | "timeoutScale" | "signal">,
  deadline: Deadline,
  act: (deadline: Deadline) => Promise<T>,
): Promise<T> {
  const after = (periods: number): Deadline =>
    Deadline.after(deadline.remainingMs + periods * graceMs * timeoutScale);
  const controller = new AbortController();
  using _guest = abortWith(controller, signal);
  using _around = abortWith(controller, currentLook()?.signal);
  const look = { commandDeadline: after(1), signal: controller.signal };
  const looking = current.run(look, () => act(deadline)).then((value) => ({ value }));
  const seen = await after(2).race(looking);
  if (seen !== undefined) return seen.value;
  looking.catch(() => {});
  const error = new LookCutOffError(name);
  controller.abort(error);
  throw error;
}

/** Whatever `act` asks of guests ends with the signal, and nothing more is asked after it. */
export function withinScope<T>(signal: AbortSignal, act: () => Promise<T>): Promise<T> {
  const controller = new AbortController();
  abortWith(controller, currentLook()?.signal);
  abortWith(controller, signal);
  return current.run({ signal: controller.signal }, async () => act());
}

/** Until it is disposed. */
function abortWith(controller: AbortController, signal: AbortSignal | undefined): Disposable {
  const onAbort = (): void => controller.abort(signal?.reason);
  signal?.addEventListener("abort", onAbort, { once: true });
  if (signal?.aborted === true) onAbort();
  return { [Symbol.dispose]: () => signal?.removeEventListener("abort", onAbort) };
}
