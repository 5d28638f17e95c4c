import { randomBytes } from "node:crypto";
import { performance } from "../clock.ts";
import type { Console } from "../console/index.ts";
import type { Deadline } from "../deadline.ts";
import { formatMs } from "../deadline.ts";
import { GuestLostError, InterruptedError } from "../errors.ts";
import { agentProgram } from "./agent.ts";
import { createFrameReader } from "./frame-reader.ts";
import { Mailbox } from "./mailbox.ts";
import { bootstrap } from "./serial-bootstrap.ts";

/** One answer of the agent. */
export interface Frame {
  readonly verb: string;
  readonly rest: string;
}

/** What is said and heard about one command. */
export interface Conversation extends Disposable {
  /** `VERB ID ARGUMENTS` */
  send(verb: string, ...words: readonly (string | number)[]): void;
  /**
   * The next frame about the command, or `undefined` at the deadline.
   * @throws InterruptedError when the signal aborts; the command is killed then
   * @throws GuestLostError when nothing has come from the guest for too long
   */
  next(deadline: Deadline): Promise<Frame | undefined>;
  /** What the promise gives, unless the wait for it ends as one for a frame would. */
  during<T>(promise: Promise<T>): Promise<T>;
  lost(message: string): GuestLostError;
}

/** Of the agent itself. */
const agentId = "";

/** Lines to the agent and frames from it: what may be lost or torn on the way is seen above. */
export class SerialLink {
  readonly #console: Console;
  readonly #silenceMs: number;
  readonly #token = randomBytes(6).toString("hex");
  readonly #boxes = new Map<string, Mailbox<Frame>>();
  readonly #agent: Mailbox<Frame>;
  readonly #endListening: () => void;
  /** Why nothing is heard any more. */
  failure: GuestLostError | undefined;
  #lastFrameMs = 0;
  #startedAt = 0;
  closed = false;

  constructor(console: Console, { silenceMs }: { readonly silenceMs: number }) {
    this.#console = console;
    this.#silenceMs = silenceMs;
    this.#agent = this.#box(agentId);
    const reader = createFrameReader(this.#token, (body) => this.#receive(body));
    const endInterception = console.intercept((bytes) => reader.read(bytes));
    const endFailure = console.onFailure((failure) => this.#failAll(failure));
    this.#endListening = () => {
      endInterception();
      endFailure();
    };
  }

  /** Replaces the shell that waits at the console by the agent. */
  async start(deadline: Deadline): Promise<void> {
    const program = Buffer.from(agentProgram(this.#token)).toString("base64");
    // From here on nobody at the console asks, and an answer would be typed into a command.
    this.#console.answersQueries = false;
    this.#console.sendLine(bootstrap(this.#token, program));
    let uploaded = false;
    while (!deadline.expired) {
      const frame = await this.#agent.next(deadline.orAfter(greetingMs));
      this.#startedAt = this.#console.mark();
      if (frame?.verb === "H") return;
      if (frame?.verb === "G") {
        uploaded = true;
        this.#console.send(`${program}~`);
      } else if (frame === undefined && uploaded) this.send("H");
    }
    throw new GuestLostError("the shell on the guest's console does not start dryboot's agent", {
      code: "BOOT_FAILED",
      details: this.#console.transcript.tail(),
    });
  }

  stop(): void {
    this.closed = true;
    this.#endListening();
  }

  /** Fails the pending waits and every later one. */
  fail(error: GuestLostError): void {
    this.stop();
    this.#failAll(error);
  }

  /** A line that starts behind whatever is left of a torn one. */
  send(line: string): void {
    this.#console.send(`~${line.length} ${line}~`);
  }

  converse(id: string, signal?: AbortSignal): Conversation {
    // Silence counts from here: before, nobody was asked.
    if (this.#boxes.size === 1) this.#lastFrameMs = performance.now();
    const box = this.#box(id);
    const abort = (): void => box.interrupt();
    signal?.addEventListener("abort", abort);
    const send = (verb: string, ...words: readonly (string | number)[]): void =>
      this.send([verb, id, ...words].join(" "));
    const waited = async <T>(wait: () => Promise<T>): Promise<T | undefined> => {
      if (this.closed && this.failure === undefined) throw this.lost(closedMessage);
      const aborted = (): boolean => signal?.aborted === true;
      const result = aborted() ? undefined : await wait();
      if (!aborted()) return result;
      send("X");
      throw new InterruptedError("the command was interrupted", { cause: signal?.reason });
    };
    return {
      send,
      next: async (deadline) => {
        const frame = await waited(() => box.next(deadline));
        if (frame === undefined) this.#checkAlive();
        return frame;
      },
      during: async (promise) => {
        const settled = promise.then((value) => ({ value }));
        settled.catch(() => {});
        for (;;) {
          const first = await waited(() => box.unlessWoken(settled));
          if (first === undefined) continue;
          // Nothing was asked of the guest meanwhile.
          this.#lastFrameMs = performance.now();
          return first.value;
        }
      },
      lost: (message) => this.lost(message),
      [Symbol.dispose]: () => {
        signal?.removeEventListener("abort", abort);
        this.#boxes.delete(id);
      },
    };
  }

  /** Asks the agent to leave, and waits a moment for its last word. */
  async leave(deadline: Deadline): Promise<void> {
    if (!this.closed && this.#console.failure === undefined) {
      this.send("Q");
      const last: Frame = { verb: "Z", rest: "" };
      while (!deadline.expired) {
        const frame = await this.#agent.next(deadline).catch(() => last);
        if (frame?.verb === last.verb) break;
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
      const message = "the shell on the guest's console has ended, and dryboot's agent with it";
      this.fail(this.lost(message));
    } else if (performance.now() - this.#lastFrameMs > this.#silenceMs) {
      const silence = formatMs(this.#silenceMs);
      this.fail(this.lost(`the guest did not answer on its console for ${silence}`));
    }
    if (this.failure !== undefined) throw this.failure;
  }

  #box(id: string): Mailbox<Frame> {
    const box = new Mailbox<Frame>();
    if (this.failure !== undefined) box.fail(this.failure);
    this.#boxes.set(id, box);
    return box;
  }

  #failAll(failure: GuestLostError): void {
    this.failure ??= failure;
    for (const box of this.#boxes.values()) box.fail(failure);
  }

  #receive(body: string): void {
    this.#lastFrameMs = performance.now();
    const [, verb, id = agentId, rest = ""] = /^([A-Za-z])(?::(\d+)(?::(.*))?)?$/s.exec(body) ?? [];
    if (verb !== undefined) this.#boxes.get(id)?.put({ verb, rest });
  }
}

// How long the agent may take for a word before it is asked again.
const greetingMs = 2000;
const closedMessage = "the command channel is closed";
