import { withoutSecrets } from "../hidden-text.ts";
import { alarmTable, type AlarmRow, type Speaker } from "./alarm-table.ts";

export interface Alarm {
  readonly name: string;
  readonly severity: "fatal" | "hurt";
  readonly explanation: string;
  /** What to do about it, of a fatal one. */
  readonly advice: string | undefined;
  /** The line itself, then what led to it. */
  readonly line: string;
  readonly excerpt: readonly string[];
}

/** What QEMU's monitor tells of a guest, whatever its console shows. */
export type GuestEventName = "kernel panic" | "unexpected reboot";

export function alarmOfGuestEvent(name: GuestEventName, excerpt: readonly string[]): Alarm {
  const row = alarmTable.find((one) => one.name === name);
  const { explanation = name, advice } = row ?? {};
  return { name, severity: "fatal", explanation, advice, line: "reported by QEMU", excerpt };
}

export interface AlarmWatch {
  /** Looks at one complete line. */
  line(line: string): Alarm | undefined;
  /** The next boot banners are wanted. */
  expectReboot(): void;
}

export const excerptLines = 12;
// No line of a kernel or of systemd that matters is longer, and a guest may send any line.
const judgedCharacters = 1000;

/** Compares each line with the table, and counts those that belong to a boot. */
export function watchAlarms(): AlarmWatch {
  const seen = new Map<AlarmRow, number>();
  const recent: string[] = [];
  return {
    line(line) {
      const head = line.slice(0, judgedCharacters);
      const shown = withoutSecrets(line);
      recent.push(shown.slice(0, judgedCharacters).trimEnd());
      if (recent.length > excerptLines) recent.shift();
      const row = rowOf(head);
      if (row === undefined) return undefined;
      const count = (seen.get(row) ?? 0) + 1;
      seen.set(row, count);
      if (count <= (row.allowed ?? 0)) return undefined;
      const { name, severity, explanation, advice } = row;
      const excerpt = recent.filter((text) => text.trim() !== "");
      return { name, severity, explanation, advice, line: shown.trim().slice(0, 300), excerpt };
    },
    expectReboot: () => seen.clear(),
  };
}

function rowOf(line: string): AlarmRow | undefined {
  const said = (by: Speaker): string => messages[by].exec(line)?.[1] ?? "";
  const texts = {
    kernel: said("kernel"),
    systemd: said("systemd"),
    qemu: said("qemu"),
    anyone: line,
  };
  return alarmTable.find(({ by, pattern }) => pattern.test(texts[by]));
}

/** What each says in a line, without what it puts before its messages. */
const messages: Readonly<Record<Speaker, RegExp>> = {
  // Its time stamp may stand behind half a line of somebody else, and some kernels are told to print none.
  kernel: /^(?:.*?\[ *\d+\.\d+\](?:\[ *[TC]\d+\])? )?(.*)$/s,
  // A status line, or the same as a message where systemd was told to be quiet.
  systemd: /^(?:\[ *[A-Z]+ *\] |.*\bsystemd\[1\]: )?(.*)$/s,
  // Behind whatever the guest had written.
  qemu: /\bqemu-system-\w+: (.*)$/s,
  anyone: /^(.*)$/s,
};
