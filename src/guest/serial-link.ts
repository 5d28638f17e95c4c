import { randomBytes } from "node:crypto";
import type { Console } from "../console/index.ts";
import type { Deadline } from "../deadline.ts";
import { formatMs } from "../deadline.ts";
import { GuestLostError, InterruptedError } from "../errors.ts";
import { agentProgram } from "./agent.ts";
import { createFrameReader } from "./frame-reader.ts";
import { Mailbox } from "./mailbox.ts";

/** One answer of the agent. */
export interface Frame {
  readonly verb: string;
  /** The command that it is about; empty for the agent itself. */
  readonly id: string;
  readonly rest: string;
}

/** Lines to the agent and frames from it: what may be lost or torn on the way is seen above. */
export class SerialLink {
  readonly #console: Console;
  readonly #silenceMs: number;
  readonly #token = randomBytes(6).toString("hex");
  readonly #frames = new Mailbox<Frame>();
  readonly #endListening: () => void;
  #lastFrameMs = 0;
  #startedAt = 0;
  closed = false;

  constructor(console: Console, { silenceMs }: { readonly silenceMs: number }) {
    this.#console = console;
    this.#silenceMs = silenceMs;
    const reader = createFrameReader(this.#token, (body) => this.#receive(body));
    const endInterception = console.intercept((bytes) => reader.read(bytes));
    const endFailure = console.onFailure((failure) => this.#frames.fail(failure));
    this.#endListening = () => {
      endInterception();
      endFailure();
    };
  }

  /** Replaces the shell that waits at the console by the agent. */
  async start(deadline: Deadline): Promise<void> {
    const since = this.#console.mark();
    const word = randomBytes(4).toString("hex");
    // From here on nobody at the console asks, and an answer would be typed into a command.
    this.#console.answersQueries = false;
    this.#console.sendLine(
      ` unset HISTFILE;stty raw -echo opost;exec bash -c 'printf "%s-%s\\n" go ${word};IFS= read -r a;eval "$(base64 -d<<<"$a")"'`,
    );
    await this.#console.expect(`go-${word}`, { deadline, since, phase: "the start of the agent" });
    this.#startedAt = this.#console.mark();
    const program = Buffer.from(agentProgram(this.#token)).toString("base64");
    this.#console.send(`${program}\n`);
    while ((await this.#frames.next(deadline))?.verb !== "H") {
      if (!deadline.expired) continue;
      throw new GuestLostError("the shell on the guest's console does not start dryboot's agent", {
        code: "BOOT_FAILED",
        details: this.#console.transcript.tail(),
      });
    }
  }

  stop(): void {
    this.closed = true;
    this.#endListening();
  }

  /** Fails the pending wait and every later one. */
  fail(error: GuestLostError): void {
    this.stop();
    this.#frames.fail(error);
  }

  send(line: string): void {
    this.#console.send(`${line.length} ${line}\n`);
  }

  /** Ends a pending wait, so that it sees its signal. */
  interrupt(): void {
    this.#frames.interrupt();
  }

  /** Silence counts from here: before, nobody was asked. */
  expectAnswers(): void {
    this.#lastFrameMs = performance.now();
  }

  /** The next frame about a command, or `undefined` at the deadline. */
  async next(deadline: Deadline, id: string, signal?: AbortSignal): Promise<Frame | undefined> {
    for (;;) {
      if (signal?.aborted) {
        this.send(`X ${id}`);
        throw new InterruptedError("the command was interrupted", { cause: signal.reason });
      }
      const frame = await this.#frames.next(deadline);
      if (frame?.id === id) return frame;
      if (!deadline.expired) continue;
      this.#checkAlive();
      return undefined;
    }
  }

  /** Asks the agent to leave, and waits a moment for its last word. */
  async leave(deadline: Deadline): Promise<void> {
    if (this.closed) return;
    if (this.#console.failure === undefined) {
      this.send("Q");
      const last: Frame = { verb: "Z", id: "", rest: "" };
      while (!deadline.expired) {
        const frame = await this.#frames.next(deadline).catch(() => last);
        if (frame?.verb === "Z") break;
      }
    }
    this.stop();
  }

  lost(message: string): GuestLostError {
    return new GuestLostError(message, {
      code: "GUEST_LOST",
      details: this.#console.transcript.tail(),
      ...(this.#console.failure === undefined ? {} : { cause: this.#console.failure }),
    });
  }

  #checkAlive(): void {
    if (this.#console.transcript.since(this.#startedAt).text.includes("(automatic login)")) {
      this.stop();
      throw this.lost("the shell on the guest's console has ended, and dryboot's agent with it");
    }
    if (performance.now() - this.#lastFrameMs > this.#silenceMs) {
      this.stop();
      throw this.lost(`the guest did not answer on its console for ${formatMs(this.#silenceMs)}`);
    }
  }

  #receive(body: string): void {
    this.#lastFrameMs = performance.now();
    const [, verb, id, rest] = /^([A-Za-z])(?::(\d+)(?::(.*))?)?$/s.exec(body) ?? [];
    if (verb !== undefined) this.#frames.put({ verb, id: id ?? "", rest: rest ?? "" });
  }
}
