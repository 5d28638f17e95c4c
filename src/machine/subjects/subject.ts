import { CommandFailedError, type CommandResult } from "../command.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";

/** Something of a guest that can be looked at: it holds only its name, and reads the guest anew each time. */
export abstract class Subject {
  /** The word for it in messages. It also keeps the compiler from taking one kind for another. */
  abstract readonly kind: string;
  protected readonly runner: CommandRunner;

  protected constructor(runner: CommandRunner) {
    this.runner = runner;
  }

  abstract toString(): string;

  protected expecting(
    wanted: string,
    observe: Expectation["observe"],
    more: Pick<Expectation, "evidence" | "failureCode" | "expected" | "leastLookMs"> = {},
  ): Expectation {
    return { runner: this.runner, subject: this.toString(), wanted, observe, ...more };
  }

  /** Runs bash text, in which the arguments are `$1`, `$2` …, without a translation of what it prints. */
  protected ask(
    script: string,
    args: readonly (string | number)[] = [],
    options: { readonly user?: string; readonly maxOutputBytes?: number } = {},
  ): Promise<CommandResult> {
    return this.runner.execute(["bash", "-c", script, "bash", ...args.map(String)], {
      environment: { LC_ALL: "C" },
      purpose: `look at ${this}`,
      ...options,
    });
  }

  /** The stdout of such a text. @throws CommandFailedError where it fails */
  protected async read(...call: Parameters<Subject["ask"]>): Promise<string> {
    const result = await this.ask(...call);
    if (result.failed) throw new CommandFailedError(this.runner.name, result);
    return result.stdout;
  }
}
