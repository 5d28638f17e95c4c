import { clearTimeout, performance, setTimeout } from "../clock.ts";
import type { Console } from "../console/index.ts";
import { Deadline } from "../deadline.ts";
import type { GuestLostError } from "../errors.ts";
import type { CommandChannel, CommandOutcome, CommandRequest } from "./channel.ts";
import { awaitReport, serialCommand, submit, type SerialCommand } from "./serial-command.ts";
import { SerialLink } from "./serial-link.ts";
import { complete } from "./serial-output.ts";
import { sendInput } from "./serial-parts.ts";
import type { SerialPace } from "./serial-patience.ts";
import { Collector } from "./serial-result.ts";
import { takeTurns } from "./turns.ts";

export interface SerialChannelOptions extends Partial<SerialPace> {
  /** For the start of the agent. */
  readonly deadline: Deadline;
  /** A guest that answers nothing for so long is lost. @default 120000 */
  readonly silenceMs?: number;
  /** When nothing has run for so long, the guest removes what commands left. @default 1000 */
  readonly forgetAfterMs?: number;
}

const commandsAtOnce = 8;
// Removing files costs the guest a process, so many commands share one.
const forgetAtOnce = 32;

/**
 * Starts dryboot's agent in the root shell that waits at the console, and runs commands through it.
 * The shell is used up: after the channel has ended, the guest logs in anew.
 */
export async function openSerialChannel(
  console: Console,
  {
    deadline,
    silenceMs = 120_000,
    forgetAfterMs = 1000,
    pollMs = 400,
    graceMs = 2000,
    giveUpMs = 3000,
    stallMs = 60_000,
  }: SerialChannelOptions,
): Promise<CommandChannel> {
  const link = new SerialLink(console, { silenceMs });
  try {
    await link.start(deadline);
    return new SerialChannel(link, { pollMs, graceMs, giveUpMs, stallMs }, forgetAfterMs);
  } catch (error) {
    link.stop();
    throw error;
  }
}

class SerialChannel implements CommandChannel {
  readonly kind = "serial";
  readonly #link: SerialLink;
  readonly #pace: SerialPace;
  readonly #forgetAfterMs: number;
  readonly #running = new Set<Promise<unknown>>();
  /** The guest puts the parts of one command's text together at a time. */
  readonly #submitting = takeTurns(1);
  readonly #taking = takeTurns(commandsAtOnce);
  #nextId = 1;
  #finished: string[] = [];
  #idle: NodeJS.Timeout | undefined;

  constructor(link: SerialLink, pace: SerialPace, forgetAfterMs: number) {
    this.#link = link;
    this.#pace = pace;
    this.#forgetAfterMs = forgetAfterMs;
  }

  get failure(): GuestLostError | undefined {
    return this.#link.failure;
  }

  async run(request: CommandRequest): Promise<CommandOutcome> {
    const command = serialCommand(request);
    const outcome = this.#taking(() => this.#runNow(request, command), request.signal);
    const settled = outcome.catch(() => {});
    this.#running.add(settled);
    void settled.then(() => this.#running.delete(settled));
    return outcome;
  }

  /** It is in the place of the console's shell, which a restored guest needs. */
  idleAgent(): undefined {
    return undefined;
  }

  lateOutput(): readonly [] {
    return [];
  }

  abandon(error: GuestLostError): void {
    this.#link.fail(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await Promise.all(this.#running);
    clearTimeout(this.#idle);
    // Its directory is gone when it has left; a guest that does not answer is no reason to wait.
    await this.#link.leave(Deadline.after(1000));
  }

  async #runNow(request: CommandRequest, command: SerialCommand): Promise<CommandOutcome> {
    const id = String(this.#nextId++);
    using conversation = this.#link.converse(id, request.signal);
    const collector = new Collector(command.maxOutputBytes);
    try {
      const inputs = await sendInput(conversation, request.stdin, this.#pace);
      const submitNow = (): Promise<void> =>
        this.#submitting(() => submit(conversation, command, inputs, this.#pace), request.signal);
      await submitNow();
      const startedAtMs = performance.now();
      const report = await awaitReport(conversation, collector, {
        command,
        pace: this.#pace,
        submitAgain: submitNow,
      });
      const durationMs = performance.now() - startedAtMs;
      if (report === undefined) return unanswered(durationMs);
      await complete(conversation, collector, report, this.#pace);
      const outcome = collector.outcome(report, durationMs);
      await deliver(outcome, request);
      return outcome;
    } finally {
      this.#forgetLater(id);
    }
  }

  /** What finished commands left is removed for many at once, or when nothing else is to do. */
  #forgetLater(id: string): void {
    this.#finished.push(id);
    clearTimeout(this.#idle);
    if (this.#finished.length >= forgetAtOnce) return this.#forget();
    this.#idle = setTimeout(() => this.#forget(), this.#forgetAfterMs);
    this.#idle.unref();
  }

  #forget(): void {
    const ids = this.#finished.splice(0);
    if (!this.#link.closed) this.#link.send(`F ${ids.join(" ")}`);
  }
}

/** Output comes over this way as a whole. */
async function deliver(
  outcome: CommandOutcome,
  { onOutput }: Pick<CommandRequest, "onOutput">,
): Promise<void> {
  for (const stream of ["stdout", "stderr"] as const) {
    if (outcome[stream].length > 0) await onOutput?.(stream, outcome[stream]);
  }
}

function unanswered(durationMs: number): CommandOutcome {
  const nothing = new Uint8Array();
  return {
    exitCode: undefined,
    stdout: nothing,
    stderr: nothing,
    truncated: false,
    timedOut: true,
    durationMs,
  };
}
