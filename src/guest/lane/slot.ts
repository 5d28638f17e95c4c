import { randomBytes } from "node:crypto";
import type { Socket } from "node:net";
import type { CommandInput, OutputListener, OutputStream } from "../channel.ts";
import { feedInput, type InputFeed } from "./input-feed.ts";
import { deliverTo, type Delivery } from "./delivery.ts";
import { OutputCollector } from "./output-collector.ts";
import { renewalHead, requestHead } from "./request-head.ts";
import { createTrailerReader, type Trailer, type TrailerReader } from "./trailer-reader.ts";

/** What a worker is asked to do. */
export interface SlotJob {
  readonly serial: number;
  readonly text: string;
  readonly stdin: CommandInput | undefined;
  readonly maxOutputBytes: number;
  readonly onOutput?: OutputListener;
}

export interface SlotResult {
  readonly trailer: Trailer;
  readonly stdout: Uint8Array;
  readonly stderr: Uint8Array;
  readonly truncated: boolean;
}

export interface SlotEvents {
  /** It can take a job again. */
  readonly onFree: () => void;
  /** Something was written by a process that outlived the command `serial`. */
  readonly onLate: (serial: number, stream: OutputStream, bytes: Uint8Array) => void;
  readonly onHeard: () => void;
}

type SlotState = "unused" | "starting" | "free" | "busy" | "held" | "renewing";

interface Running {
  readonly job: SlotJob;
  readonly collected: Readonly<Record<OutputStream, OutputCollector>>;
  readonly ended: Partial<Record<OutputStream, Trailer>>;
  readonly delivery: Delivery;
  readonly input: InputFeed | undefined;
  readonly resolve: (result: SlotResult) => void;
  readonly reject: (error: unknown) => void;
}

/** One worker in the guest, seen through its two ports. */
export class Slot {
  readonly index: number;
  state: SlotState = "unused";
  readonly #out: Socket;
  readonly #err: Socket;
  readonly #readers: Readonly<Record<OutputStream, TrailerReader>>;
  readonly #events: SlotEvents;
  #running: Running | undefined;
  #lastSerial = 0;

  constructor(
    index: number,
    sockets: { readonly out: Socket; readonly err: Socket },
    events: SlotEvents,
  ) {
    this.index = index;
    this.#out = sockets.out;
    this.#err = sockets.err;
    this.#events = events;
    this.#readers = { stdout: this.#reader("stdout"), stderr: this.#reader("stderr") };
    this.#out.on("data", (bytes) => this.#read("stdout", bytes));
    this.#err.on("data", (bytes) => this.#read("stderr", bytes));
  }

  /** The serial of the command that is running, or was the last to run. */
  get serial(): number {
    return this.#lastSerial;
  }

  /** Expects the worker's first words. */
  starting(laneKey: string): void {
    this.state = "starting";
    this.#readers.stdout.expect(laneKey);
  }

  /** The worker was there before, and waits for a job. */
  started(): void {
    this.state = "free";
  }

  run(job: SlotJob): Promise<SlotResult> {
    const key = randomBytes(16).toString("hex");
    this.state = "busy";
    this.#lastSerial = job.serial;
    this.#readers.stdout.expect(key);
    this.#readers.stderr.expect(key);
    return new Promise((resolve, reject) => {
      const collected = {
        stdout: new OutputCollector(job.maxOutputBytes),
        stderr: new OutputCollector(job.maxOutputBytes),
      };
      const text = Buffer.from(job.text);
      const hasInput = job.stdin !== undefined;
      const head = requestHead({ key, serial: job.serial, length: text.length, hasInput });
      this.#out.write(Buffer.concat([head, text]));
      const input = job.stdin === undefined ? undefined : feedInput(this.#err, job.stdin, reject);
      const delivery = deliverTo(job.onOutput, { stdout: this.#out, stderr: this.#err }, reject);
      this.#running = { job, collected, ended: {}, delivery, input, resolve, reject };
    });
  }

  isRunning(serial: number): boolean {
    return this.#running?.job.serial === serial;
  }

  /** Nobody waits for the command any more: its output is read on, and given to nobody. */
  disregard(serial: number): void {
    if (this.isRunning(serial)) this.#running?.delivery.end();
  }

  /** What has come so far of a command, if it is still running. */
  peek(serial: number): Pick<SlotResult, "stdout" | "stderr" | "truncated"> {
    return outputsOf(this.isRunning(serial) ? this.#running?.collected : undefined);
  }

  /** Makes the worker leave its pipes to whoever holds them. */
  renew(): void {
    this.state = "renewing";
    this.#out.write(renewalHead());
  }

  /** Its pending command fails. */
  fail(error: unknown): void {
    const running = this.#running;
    this.#running = undefined;
    running?.input?.stop();
    running?.delivery.end();
    running?.reject(error);
  }

  destroy(): void {
    this.#out.destroy();
    this.#err.destroy();
  }

  #reader(stream: OutputStream): TrailerReader {
    return createTrailerReader({
      onPayload: (bytes) => this.#payload(stream, bytes),
      onTrailer: (trailer) => this.#trailer(stream, trailer),
    });
  }

  #read(stream: OutputStream, bytes: Uint8Array): void {
    this.#events.onHeard();
    this.#readers[stream].read(bytes);
  }

  #payload(stream: OutputStream, bytes: Uint8Array): void {
    const running = this.#running;
    if (running === undefined || running.ended[stream] !== undefined) {
      if (this.#lastSerial > 0) this.#events.onLate(this.#lastSerial, stream, bytes);
      return;
    }
    running.collected[stream].add(bytes);
    running.delivery.give(stream, bytes);
  }

  #trailer(stream: OutputStream, trailer: Trailer): void {
    if (trailer.how === "r" || trailer.how === "c") {
      if (this.state === "busy" || this.state === "free") return;
      this.state = "free";
      this.#events.onFree();
      return;
    }
    const running = this.#running;
    if (running === undefined) return;
    running.ended[stream] = trailer;
    running.input?.stop();
    const { stdout, stderr } = running.ended;
    if (stdout === undefined || stderr === undefined) return;
    if (stdout.held) this.state = "held";
    running.delivery.whenDone(() => this.#done(running, stdout));
  }

  /** The command has ended, and its caller has all of its output. */
  #done(running: Running, trailer: Trailer): void {
    running.resolve({ trailer, ...outputsOf(running.collected) });
    if (this.#running !== running) return;
    this.#running = undefined;
    if (this.state !== "busy") return;
    this.state = "free";
    this.#events.onFree();
  }
}

function outputsOf(collected: Running["collected"] | undefined): Omit<SlotResult, "trailer"> {
  if (collected === undefined) {
    return { stdout: new Uint8Array(), stderr: new Uint8Array(), truncated: false };
  }
  return {
    stdout: collected.stdout.bytes(),
    stderr: collected.stderr.bytes(),
    truncated: collected.stdout.truncated || collected.stderr.truncated,
  };
}
