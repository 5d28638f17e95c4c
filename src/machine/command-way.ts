import { setImmediate, setTimeout } from "../clock.ts";
import type { Console } from "../console/index.ts";
import { Deadline } from "../deadline.ts";
import { GuestLostError } from "../errors.ts";
import type { CommandChannel } from "../guest/index.ts";
import { connect, type Connection } from "./connect.ts";

/** How commands reach a guest that has booted, through its reboots and the losses of its lane. */
export interface CommandWay extends Connection {
  /** A channel that commands can be given to; opens another where the last one is lost and the guest lives. */
  usable(): Promise<CommandChannel>;
  /** The guest boots again: until this ends, nobody types at its console to find out what became of a channel. */
  suspend(): Disposable;
  /** Logs in again, on what the console shows since `mark`. */
  reconnect(mark: number, deadline: Deadline): Promise<void>;
  /**
   * Somebody takes the guest's console: commands that travel over it give it free when they have ended, and later ones
   * wait until this ends.
   */
  lendConsole(): Disposable;
  /** Nobody in the guest listens at the lane any more. */
  laneClosed(): void;
}

export interface CommandWayOptions {
  /** Of the guest, for messages. */
  readonly name: string;
  readonly timeoutScale: number;
  readonly signal: AbortSignal | undefined;
  readonly laneDirectory: string | undefined;
  /** Hears of a channel that was lost, and of what has taken its place. */
  readonly onNotice: (notice: string) => void;
}

const patienceMs = 60_000;
// In a guest where somebody ends lanes, the console is the way that lasts.
const maxLaneLosses = 3;
// When the guest itself ended or began anew, QEMU or the console says so a moment later, and better.
const betterReasonMs = 500;

export function keepCommandWay(
  console: Console,
  first: Connection,
  { name, timeoutScale, signal, laneDirectory, onNotice }: CommandWayOptions,
): CommandWay {
  let current = first;
  let suspended: Promise<void> | undefined;
  let recovery: Promise<void> | undefined;
  let borrowers = 0;
  let giveBack = (): void => {};
  /** Until the console is dryboot's again. */
  let lent: Promise<void> | undefined;
  /** Since the guest booted. */
  let laneLosses = 0;

  const connectSince = async (since: number, deadline: Deadline): Promise<void> => {
    console.answersQueries = true;
    const gaveUpLane = laneLosses >= maxLaneLosses;
    const next = await connect(console, {
      deadline,
      signal,
      since,
      laneDirectory: gaveUpLane ? undefined : laneDirectory,
      timeoutScale,
    });
    current = gaveUpLane ? { ...next, laneRefusal: `it was lost ${laneLosses} times` } : next;
  };
  const recover = async (failure: GuestLostError): Promise<void> => {
    if (current.channel.kind === "lane") laneLosses += 1;
    const mark = console.mark();
    // The shell at the console has shown its prompt long ago; this makes it show another.
    console.sendLine("");
    await connectSince(mark, Deadline.after(patienceMs * timeoutScale)).catch((cause: unknown) => {
      throw new GuestLostError(`${failure.message}, and its console gives no other way in`, {
        code: "GUEST_LOST",
        cause,
        details: cause instanceof GuestLostError ? [cause.message, ...cause.details] : [],
      });
    });
    const { channel, laneRefusal } = current;
    const reason = laneRefusal === undefined ? "again" : `no lane: ${laneRefusal}`;
    onNotice(`${name}: ${failure.message}; commands: ${channel.kind} (${reason})`);
  };

  const lend = async (givenBack: Promise<void>): Promise<void> => {
    const { channel } = current;
    if (channel.kind === "serial") {
      // Who has just been told to use the channel does so first.
      await new Promise((resolve) => setImmediate(resolve));
      // Its agent is in the place of the console's shell, and a new one logs in when it has left.
      await channel[Symbol.asyncDispose]();
      const why = "somebody was at its console";
      channel.abandon(new GuestLostError(why, { code: "GUEST_LOST" }));
    }
    await givenBack;
    lent = undefined;
  };

  return {
    get channel() {
      return current.channel;
    },
    get laneRefusal() {
      return current.laneRefusal;
    },
    async usable() {
      for (;;) {
        const { failure, kind } = current.channel;
        const isLent = lent !== undefined && kind === "serial";
        if (failure === undefined && !isLent) return current.channel;
        if (console.failure !== undefined) throw console.failure;
        // One that failed is not tried again: the guest would be asked for ever.
        if (suspended !== undefined || lent !== undefined) await (suspended ?? lent);
        else if (failure !== undefined) {
          await (recovery ??= recover(failure).then(() => void (recovery = undefined)));
        }
      }
    },
    suspend() {
      let end = (): void => {};
      suspended = new Promise((resolve) => {
        end = resolve;
      });
      return {
        [Symbol.dispose]() {
          suspended = undefined;
          end();
        },
      };
    },
    lendConsole() {
      borrowers += 1;
      lent ??= lend(new Promise((resolve) => (giveBack = resolve)));
      return {
        [Symbol.dispose]() {
          borrowers -= 1;
          if (borrowers === 0) giveBack();
        },
      };
    },
    async reconnect(mark, deadline) {
      current.channel.abandon(
        new GuestLostError(`${name} has booted again`, { code: "GUEST_LOST" }),
      );
      laneLosses = 0;
      await connectSince(mark, deadline);
      recovery = undefined;
    },
    laneClosed() {
      const { channel } = current;
      if (channel.kind !== "lane") return;
      const failure = new GuestLostError(
        "the command lane is lost: its agent in the guest has ended",
        { code: "GUEST_LOST" },
      );
      setTimeout(() => channel.abandon(failure), betterReasonMs).unref();
    },
  };
}
