import { constants } from "node:os";
import { formatMs } from "../../deadline.ts";
import { GuestLostError, InterruptedError } from "../../errors.ts";
import type { CommandChannel, CommandOutcome, CommandRequest } from "../channel.ts";
import { limitCommand } from "./command-limits.ts";
import type { LaneSockets } from "./connect.ts";
import { LateOutputs, type LateOutput } from "./late-output.ts";
import { composeForLane } from "./plain-command.ts";
import { SlotPool } from "./slot-pool.ts";
import { Slot, type SlotResult } from "./slot.ts";
import { superviseOver, type Supervisor, type SupervisorEvent } from "./supervisor.ts";

/** Commands through virtio-serial ports: several at once, their bytes as they are. */
export interface Lane extends CommandChannel {
  readonly kind: "lane";
  /** What was written by processes that outlived their commands. */
  lateOutput(): readonly LateOutput[];
  /** Why no command can be run any more. */
  readonly failure: GuestLostError | undefined;
}

export interface LaneOptions {
  /** What every word of this agent begins with. */
  readonly key: string;
  /** An agent that answers nothing for so long is lost. @default 60000 */
  readonly silenceMs?: number;
  /** Between TERM and KILL after a command's timeout, and from there to the host's own. @default 2000 */
  readonly graceMs?: number;
}

const defaultMaxOutputBytes = 1024 * 1024;
const pingEveryMs = 5000;

/** A lane to an agent that is being started at the other end of the sockets. */
export class LaneChannel implements Lane {
  readonly kind = "lane";
  /** Resolves when somebody in the guest listens at the control port. */
  readonly opened: Promise<void>;
  /** Resolves when the agent has spoken. */
  readonly greeted: Promise<void>;
  readonly #sockets: LaneSockets;
  readonly #silenceMs: number;
  readonly #graceMs: number;
  readonly #supervisor: Supervisor;
  readonly #pool: SlotPool;
  readonly #late = new LateOutputs();
  /** What the newest were, by their serial. */
  readonly #commands = new Map<number, string>();
  readonly #farewell: Promise<void>;
  #onOpen: () => void = () => {};
  #onHello: () => void = () => {};
  #onBye: () => void = () => {};
  #onFailure: (error: GuestLostError) => void = () => {};
  #failure: GuestLostError | undefined;
  #closed = false;
  #nextSerial = 1;
  #running = 0;
  #pings: NodeJS.Timeout | undefined;
  #lastHeardMs = 0;

  constructor(sockets: LaneSockets, { key, silenceMs = 60_000, graceMs = 2000 }: LaneOptions) {
    this.#sockets = sockets;
    this.#silenceMs = silenceMs;
    this.#graceMs = graceMs;
    this.opened = new Promise((resolve) => {
      this.#onOpen = resolve;
    });
    this.greeted = new Promise((resolve, reject) => {
      this.#onHello = resolve;
      this.#onFailure = reject;
    });
    this.greeted.catch(() => {});
    this.#farewell = new Promise((resolve) => {
      this.#onBye = resolve;
    });
    this.#supervisor = superviseOver(sockets.control, key, (event) => this.#hear(event));
    const slots = sockets.slots.map(
      (pair, index) =>
        new Slot(index, pair, {
          onFree: () => this.#pool.freed(),
          onLate: (serial, stream, bytes) =>
            this.#late.add(serial, this.#commands.get(serial) ?? "", stream, bytes),
          onHeard: () => {
            this.#lastHeardMs = performance.now();
          },
        }),
    );
    this.#pool = new SlotPool(slots, (slot) => {
      slot.starting(key);
      this.#supervisor.start(slot.index);
    });
    for (const socket of [
      sockets.control,
      ...sockets.slots.flatMap(({ out, err }) => [out, err]),
    ]) {
      socket.on("error", () => {});
      socket.on("close", () => this.#disconnected());
    }
  }

  /** Writes to the control port what reads there before the agent does. */
  upload(text: string): void {
    this.#sockets.control.write(text);
  }

  get failure(): GuestLostError | undefined {
    return this.#failure;
  }

  lateOutput(): readonly LateOutput[] {
    return this.#late.all();
  }

  async run(request: CommandRequest): Promise<CommandOutcome> {
    const { command, stdin = "", maxOutputBytes = defaultMaxOutputBytes, onOutput } = request;
    const text = composeForLane(request);
    this.#listen(1);
    try {
      const slot = await this.#pool.acquire(request.signal);
      const serial = this.#nextSerial++;
      this.#remember(serial, command);
      const result = slot.run({
        serial,
        text,
        stdin: typeof stdin === "string" ? Buffer.from(stdin) : stdin,
        maxOutputBytes,
        ...(onOutput === undefined ? {} : { onOutput }),
      });
      return await this.#outcome(slot, serial, result, request);
    } finally {
      this.#listen(-1);
    }
  }

  /** Every pending and later call fails with this. */
  abandon(error: GuestLostError): void {
    if (this.#failure !== undefined || this.#closed) return;
    this.#failure = error;
    this.#end(error);
    this.#onFailure(error);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#closed) return;
    if (this.#failure === undefined) {
      this.#supervisor.leave();
      let timer: NodeJS.Timeout | undefined;
      const impatience = new Promise<void>((resolve) => {
        timer = setTimeout(resolve, 1000);
      });
      await Promise.race([this.#farewell, impatience]);
      clearTimeout(timer);
    }
    this.#closed = true;
    this.#end(this.#closedError());
  }

  async #outcome(
    slot: Slot,
    serial: number,
    result: Promise<SlotResult>,
    { timeoutMs = Infinity, signal }: CommandRequest,
  ): Promise<CommandOutcome> {
    const startedAtMs = performance.now();
    using limits = limitCommand({
      timeoutMs,
      graceMs: this.#graceMs,
      signal,
      arm: (afterMs) => this.#supervisor.arm(slot.index, serial, afterMs, this.#graceMs),
      disarm: () => this.#supervisor.disarm(slot.index),
    });
    try {
      const first = await Promise.race([result, limits.reached]);
      const durationMs = performance.now() - startedAtMs;
      if (typeof first === "object") return outcomeOf(first, durationMs);
      this.#supervisor.kill(slot.index, serial);
      result.catch(() => {});
      const silentMs = performance.now() - this.#lastHeardMs;
      if (first === "overdue" && silentMs > 2 * pingEveryMs) {
        this.abandon(lost(`the guest's agent did not answer for ${formatMs(silentMs)}`));
        throw this.#failure;
      }
      if (first === "overdue") {
        return { exitCode: undefined, ...slot.peek(), timedOut: true, durationMs };
      }
      throw new InterruptedError("the command was interrupted", { cause: signal?.reason });
    } catch (error) {
      // Whoever listened to its output failed: nobody wants the rest.
      if (slot.state === "busy") this.#supervisor.kill(slot.index, serial);
      throw error;
    }
  }

  /** Asks for signs of life as long as commands are running. */
  #listen(change: 1 | -1): void {
    this.#running += change;
    if (this.#running === 0) {
      clearInterval(this.#pings);
      this.#pings = undefined;
    } else if (this.#pings === undefined) {
      this.#lastHeardMs = performance.now();
      this.#pings = setInterval(() => this.#ping(), pingEveryMs);
    }
  }

  #ping(): void {
    const silentMs = performance.now() - this.#lastHeardMs;
    if (silentMs < this.#silenceMs) this.#supervisor.ping();
    else this.abandon(lost(`the guest's agent did not answer for ${formatMs(silentMs)}`));
  }

  #hear(event: SupervisorEvent): void {
    this.#lastHeardMs = performance.now();
    switch (event.kind) {
      case "open":
        return this.#onOpen();
      case "hello":
        return this.#onHello();
      case "bye":
        return this.#onBye();
      case "pong":
        if (event.dead.length > 0) this.abandon(lost("a process of the guest's agent was killed"));
        return;
      case "garbage":
        this.abandon(lost("the guest writes garbage to the agent's port"));
    }
  }

  #disconnected(): void {
    if (this.#closed || this.#failure !== undefined) return;
    // When QEMU died, the console knows how, and tells a moment later.
    setTimeout(() => this.abandon(lost("QEMU has closed the agent's ports")), 1000).unref();
  }

  #end(error: Error): void {
    clearInterval(this.#pings);
    this.#pool.close(error);
    this.#sockets.control.destroy();
  }

  #remember(serial: number, command: CommandRequest["command"]): void {
    const text = typeof command === "string" ? command : command.join(" ");
    this.#commands.set(serial, text.slice(0, 200));
    if (this.#commands.size > 256) this.#commands.delete(serial - 256);
  }

  #closedError(): GuestLostError {
    return new GuestLostError("the command lane is closed", { code: "GUEST_LOST" });
  }
}

function lost(why: string): GuestLostError {
  return new GuestLostError(`the command lane is lost: ${why}`, { code: "GUEST_LOST" });
}

function outcomeOf(
  { trailer, stdout, stderr, truncated }: SlotResult,
  durationMs: number,
): CommandOutcome {
  const signalled = trailer.how === "s" || trailer.how === "S";
  return {
    exitCode: signalled ? undefined : trailer.status,
    ...(signalled ? { signal: signalName(trailer.status - 128) } : {}),
    stdout,
    stderr,
    truncated,
    timedOut: trailer.how === "E" || trailer.how === "S",
    durationMs,
  };
}

function signalName(number: number): string {
  const found = Object.entries(constants.signals).find(([, value]) => value === number);
  return found?.[0] ?? `signal ${number}`;
}
