import { GuestLostError } from "../errors.ts";
import {
  alarmOfGuestEvent,
  excerptLines,
  watchAlarms,
  type Alarm,
  type GuestEventName,
} from "./alarms.ts";
import { describeEndOfQemu, wantedEnd } from "./end-of-qemu.ts";
import { holdFirstFailure } from "./first-failure.ts";
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
  /** Returns what takes it back. */
  expectEnd(): () => void;
  /** Judges a complete line of the console. What a guest showed that was saved later, it has outlived: a wanted reboot. */
  line(line: string, when?: { readonly isPast: boolean }): void;
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
  const first = holdFirstFailure();
  let booted = false;
  let rebootExpected = false;
  const wantsOfEnd = new Set<symbol>();

  const fail = (message: string, details: readonly string[], hint?: string): void => {
    const code = booted ? "GUEST_LOST" : "BOOT_FAILED";
    first.fail(new GuestLostError(message, { code, details, hint }));
  };
  const alert = (alarm: Alarm): void => {
    if (alarms.length < maxAlarms) alarms.push(alarm);
    if (alarm.severity !== "fatal") return;
    const { name, line, explanation, excerpt, advice } = alarm;
    const meaning = `${explanation[0]?.toUpperCase()}${explanation.slice(1)}.`;
    fail(`the guest is lost: ${name} (${line})`, [meaning, ...excerpt], advice);
  };

  return {
    alarms,
    get failure() {
      return first.failure;
    },
    onFailure: first.onFailure,
    markBooted() {
      booted = true;
      rebootExpected = false;
    },
    expectReboot() {
      rebootExpected = true;
      watch.expectReboot();
    },
    expectEnd() {
      const want = Symbol("end");
      wantsOfEnd.add(want);
      return () => void wantsOfEnd.delete(want);
    },
    line(line, { isPast } = { isPast: false }) {
      const alarm = watch.line(line);
      if (alarm === undefined || (isPast && alarm.severity === "fatal")) return;
      alert(alarm);
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
      const { message, hint } = wantsOfEnd.size > 0 ? wantedEnd : describeEndOfQemu(exit, words);
      fail(message, words, hint);
    },
  };
}
