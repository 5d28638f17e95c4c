import { Deadline } from "../deadline.ts";
import { withinScope } from "./look.ts";
import { ExpectationError } from "./observe.ts";

export interface WhileHoldingOptions {
  /** For the message. @default the condition's own text */
  readonly description?: string;
  /** From the end of one look at the condition to the next. @default 1000 */
  readonly intervalMs?: number;
}

/**
 * Does something while a condition holds: it is looked at before, meanwhile, and at the end. When it does not hold any more,
 * what is being waited for ends at once, and nothing more is asked of a machine on behalf of `act`.
 *
 * @param condition does not hold where it throws, or gives `false`. Matchers in it need `{ timeoutMs: 0 }`, or they wait for it
 * to hold again.
 * @returns what `act` gives
 * @throws ExpectationError where the condition did not hold, with its error as the cause; else what `act` throws
 * @example
 * await whileHolding(() => web.succeed("pgrep -x borg"), async () => {
 *   await web.waitForFile("/var/backup/done");
 * });
 */
export async function whileHolding<T>(
  condition: () => unknown,
  act: () => Promise<T>,
  { description = oneLine(String(condition)), intervalMs = 1000 }: WhileHoldingOptions = {},
): Promise<T> {
  const check = async (when: string): Promise<void> => {
    try {
      if ((await condition()) !== false) return;
    } catch (error) {
      throw notHolding(`${description} ${when}: ${firstLineOf(error)}`, error);
    }
    throw notHolding(`${description} ${when}`);
  };
  await check("did not hold");
  const scope = new AbortController();
  const acting = withinScope(scope.signal, act);
  const ended = acting.then(
    () => "well" as const,
    () => "badly" as const,
  );
  const watching = (async () => {
    for (;;) {
      const end = await Deadline.after(intervalMs).race(ended);
      if (end === "badly") return;
      await check("did not hold any more");
      if (end === "well") return;
    }
  })();
  try {
    const [value] = await Promise.all([acting, watching]);
    return value;
  } catch (error) {
    scope.abort(error);
    throw error;
  }
}

function notHolding(message: string, cause?: unknown): ExpectationError {
  return new ExpectationError(message, "ASSERTION", [], { cause });
}

function firstLineOf(error: unknown): string {
  return (error instanceof Error ? error.message : String(error)).split("\n")[0] ?? "";
}

function oneLine(text: string): string {
  return text.replaceAll(/\s+/g, " ");
}
