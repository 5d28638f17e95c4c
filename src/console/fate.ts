import { GuestLostError } from "../errors.ts";
import {
  alarmOfGuestEvent,
  excerptLines,
  watchAlarms,
  type Alarm,
  type GuestEventName,
} from "./alarms.ts";
import type { Transcript } from "./transcript.ts";
import type { Exit } from "./transport.ts";

/** What becomes of a guest. Its first failure stays, and is the cause of every later one. */
export interface Fate {
  readonly alarms: readonly Alarm[];
  readonly failure: GuestLostError | undefined;
  onFailure(listener: (failure: GuestLostError) => void): () => void;
  /** From now on a loss is no failed boot. */
  markBooted(): void;
  expectReboot(): void;
  expectEnd(): void;
  /** Judges a complete line of the console. */
  line(line: string): void;
  /** Judges what QEMU's monitor told. */
  raise(name: GuestEventName): void;
  /** Something outside the guest has put an end to it. */
  lose(message: string, hint: string): void;
  /** QEMU has ended. */
  end(exit: Exit): void;
}

// A guest that repeats itself must not fill the memory.
const maxAlarms = 100;

export function followFate(transcript: Transcript): Fate {
  const watch = watchAlarms();
  const alarms: Alarm[] = [];
  const listeners = new Set<(failure: GuestLostError) => void>();
  let failure: GuestLostError | undefined;
  let booted = false;
  let rebootExpected = false;
  let endExpected = false;

  const fail = (message: string, details: readonly string[], hint?: string): void => {
    if (failure !== undefined) return;
    failure = new GuestLostError(message, {
      code: booted ? "GUEST_LOST" : "BOOT_FAILED",
      details,
      ...(hint === undefined ? {} : { hint }),
    });
    for (const listener of listeners) listener(failure);
  };
  const alert = (alarm: Alarm): void => {
    if (alarms.length < maxAlarms) alarms.push(alarm);
    if (alarm.severity !== "fatal") return;
    const { explanation } = alarm;
    fail(`the guest is lost: ${alarm.name} (${alarm.line})`, [
      `${explanation[0]?.toUpperCase()}${explanation.slice(1)}.`,
      ...alarm.excerpt,
    ]);
  };

  return {
    alarms,
    get failure() {
      return failure;
    },
    onFailure(listener) {
      if (failure !== undefined) listener(failure);
      listeners.add(listener);
      return () => void listeners.delete(listener);
    },
    markBooted() {
      booted = true;
      rebootExpected = false;
    },
    expectReboot() {
      rebootExpected = true;
      watch.expectReboot();
    },
    expectEnd() {
      endExpected = true;
    },
    line(line) {
      const alarm = watch.line(line);
      if (alarm !== undefined) alert(alarm);
    },
    raise(name) {
      if (name === "unexpected reboot" && (rebootExpected || !booted)) return;
      alert(alarmOfGuestEvent(name, transcript.tail(excerptLines)));
    },
    lose(message, hint) {
      fail(message, transcript.tail(excerptLines), hint);
    },
    end(exit) {
      const words = transcript.tail(8);
      fail(endExpected ? "the guest has ended" : describeEnd(exit, words), words);
    },
  };
}

function describeEnd({ exitCode, signal }: Exit, words: readonly string[]): string {
  const how = signal === undefined ? `exit code ${exitCode}` : `signal ${signal}`;
  const last = words.findLast((line) => /qemu|error|failed|cannot/i.test(line)) ?? words.at(-1);
  return `QEMU ended with ${how}${last === undefined ? ", without a word" : `: ${last.trim()}`}`;
}
