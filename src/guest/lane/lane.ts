import { clearTimeout, setTimeout } from "../../clock.ts";
import { formatMs } from "../../deadline.ts";
import { GuestLostError } from "../../errors.ts";
import type { CommandChannel, CommandOutcome, CommandRequest, LateOutput } from "../channel.ts";
import { composeForAgent } from "../plain-command.ts";
import type { LaneSockets } from "./connect.ts";
import { LateOutputs } from "./late-output.ts";
import { awaitOutcome, type RunningCommand } from "./running-command.ts";
import { SignsOfLife } from "./signs-of-life.ts";
import { SlotPool } from "./slot-pool.ts";
import { Slot } from "./slot.ts";
import { superviseOver, type Supervisor, type SupervisorEvent } from "./supervisor.ts";

/** Commands through virtio-serial ports: several at once, their bytes as they are. */
export interface Lane extends CommandChannel {
  readonly kind: "lane";
}

/** An agent in the guest that waits for commands. */
export interface IdleAgent {
  readonly key: string;
  readonly nextSerial: number;
  /** Those that have been started. */
  readonly workers: readonly number[];
}

export interface LaneOptions {
  /** What every word of this agent begins with. */
  readonly key: string;
  /** An agent that answers nothing for so long is lost. @default 60000 */
  readonly silenceMs?: number;
  /** Between TERM and KILL after a command's timeout, and from there to the host's own. @default 2000 */
  readonly graceMs?: number;
  /** It need not be started: the guest was saved with it. */
  readonly agent?: IdleAgent;
}

const defaultMaxOutputBytes = 1024 * 1024;

/** A lane to an agent at the other end of the sockets. */
export class LaneChannel implements Lane {
  readonly kind = "lane";
  /** Resolves when somebody in the guest listens at the control port. */
  readonly opened: Promise<void>;
  /** Resolves when the agent has spoken. */
  readonly greeted: Promise<void>;
  readonly #key: string;
  readonly #sockets: LaneSockets;
  readonly #graceMs: number;
  readonly #supervisor: Supervisor;
  readonly #pool: SlotPool;
  readonly #late = new LateOutputs();
  readonly #farewell: Promise<void>;
  #onOpen: () => void = () => {};
  #onHello: () => void = () => {};
  #onBye: () => void = () => {};
  #onFailure: (error: GuestLostError) => void = () => {};
  #failure: GuestLostError | undefined;
  #closed = false;
  #nextSerial: number;
  readonly #life: SignsOfLife;

  constructor(
    sockets: LaneSockets,
    { key, silenceMs = 60_000, graceMs = 2000, agent }: LaneOptions,
  ) {
    this.#key = key;
    this.#sockets = sockets;
    this.#nextSerial = agent?.nextSerial ?? 1;
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
    this.#life = new SignsOfLife({
      silenceMs,
      ping: () => this.#supervisor.ping(),
      onSilence: () => this.#silent(),
    });
    const slots = sockets.slots.map(
      (pair, index) =>
        new Slot(index, pair, {
          onFree: () => this.#pool.freed(),
          onLate: (serial, stream, bytes) => this.#late.add(serial, stream, bytes),
          onHeard: () => this.#life.heard(),
        }),
    );
    for (const index of agent?.workers ?? []) slots[index]?.started();
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

  /** Has an agent speak that was there before. */
  greet(): void {
    this.#supervisor.ping();
  }

  idleAgent(): IdleAgent | undefined {
    const workers = this.#pool.idleWorkers();
    if (workers === undefined || this.#failure !== undefined || this.#closed) return undefined;
    return { key: this.#key, nextSerial: this.#nextSerial, workers };
  }

  get failure(): GuestLostError | undefined {
    return this.#failure;
  }

  lateOutput(): readonly LateOutput[] {
    return this.#late.all();
  }

  async run(request: CommandRequest): Promise<CommandOutcome> {
    const { command, stdin, maxOutputBytes = defaultMaxOutputBytes, onOutput } = request;
    const text = composeForAgent(request);
    using _ = this.#life.expect();
    const slot = await this.#pool.acquire(request.signal);
    const serial = this.#nextSerial++;
    this.#late.started(serial, command);
    const result = slot.run({
      serial,
      text,
      stdin,
      maxOutputBytes,
      ...(onOutput === undefined ? {} : { onOutput }),
    });
    const running: RunningCommand = {
      slot,
      serial,
      result,
      supervisor: this.#supervisor,
      graceMs: this.#graceMs,
      requireAgent: () => this.#requireAgent(),
    };
    return await awaitOutcome(running, request);
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

  #requireAgent(): void {
    if (this.#life.isOverdue) this.#silent();
    if (this.#failure !== undefined) throw this.#failure;
  }

  #silent(): void {
    this.abandon(lost(`the guest's agent did not answer for ${formatMs(this.#life.silentMs)}`));
  }

  #hear(event: SupervisorEvent): void {
    this.#life.heard();
    switch (event.kind) {
      case "open":
        return this.#onOpen();
      case "hello":
        return this.#onHello();
      case "bye":
        return this.#onBye();
      case "pong":
        if (event.dead.length === 0) return this.#onHello();
        return this.abandon(lost("a process of the guest's agent was killed"));
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
    this.#life.end();
    this.#pool.close(error);
    this.#sockets.control.destroy();
  }

  #closedError(): GuestLostError {
    return new GuestLostError("the command lane is closed", { code: "GUEST_LOST" });
  }
}

function lost(why: string): GuestLostError {
  return new GuestLostError(`the command lane is lost: ${why}`, { code: "GUEST_LOST" });
}
