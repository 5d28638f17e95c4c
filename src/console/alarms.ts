/** A console line that means that the guest is lost or hurt. */
export interface AlarmRow {
  readonly name: string;
  readonly pattern: RegExp;
  /** `fatal`: nothing that waits for the guest can still succeed. */
  readonly severity: "fatal" | "hurt";
  /** What it means, for somebody who never saw it. */
  readonly explanation: string;
  /** How often the line belongs to a boot that is in order. @default 0 */
  readonly allowed?: number;
}

export interface Alarm {
  readonly name: string;
  readonly severity: "fatal" | "hurt";
  readonly explanation: string;
  /** The line itself, then what led to it. */
  readonly line: string;
  readonly excerpt: readonly string[];
}

const reboot = "the guest booted again though nobody asked it to";

export const alarmTable: readonly AlarmRow[] = [
  {
    name: "kernel panic",
    pattern: /Kernel panic - not syncing/,
    severity: "fatal",
    explanation: "the kernel gave up",
  },
  {
    name: "stage 1 failure",
    pattern: /An error occurred in stage 1 of the boot process/,
    severity: "fatal",
    explanation: "the initrd could not mount the root file system",
  },
  {
    name: "emergency mode",
    pattern:
      /You are in emergency mode|Welcome to emergency mode|Reached target (?:\S+ - )?Emergency Mode/,
    severity: "fatal",
    explanation: "systemd could not reach its default target, mostly because of a file system",
  },
  {
    name: "rescue mode",
    pattern:
      /You are in rescue mode|Welcome to rescue mode|Reached target (?:\S+ - )?Rescue (?:Mode|Shell)/,
    severity: "fatal",
    explanation: "systemd stopped at the rescue shell",
  },
  {
    name: "locked root account",
    pattern: /Cannot open access to console, the root account is locked/,
    severity: "fatal",
    explanation: "the maintenance shell cannot be used either",
  },
  {
    name: "maintenance shell",
    pattern: /Give root password for maintenance|Press Enter for maintenance/,
    severity: "fatal",
    explanation: "the boot stopped and waits for somebody at the console",
  },
  {
    name: "no boot device",
    pattern: /^No bootable device\.|Boot failed: not a bootable disk/,
    severity: "fatal",
    explanation: "the firmware found nothing to start",
  },
  {
    name: "unexpected reboot",
    pattern: /SeaBIOS \(version /,
    severity: "fatal",
    explanation: reboot,
    allowed: 1,
  },
  {
    name: "unexpected reboot",
    pattern: /\] Linux version \d+\.\d+/,
    severity: "fatal",
    explanation: reboot,
    allowed: 1,
  },
  {
    name: "unexpected reboot",
    pattern: /<<< NixOS Stage 1 >>>/,
    severity: "fatal",
    explanation: reboot,
    allowed: 1,
  },
  {
    name: "kernel oops",
    pattern: /\b(?:Oops: |general protection fault|BUG: unable to handle|kernel BUG at )/,
    severity: "hurt",
    explanation: "the kernel caught an error in itself",
  },
  {
    name: "kernel bug",
    pattern: /\] BUG: (?!unable to handle|soft lockup|workqueue lockup)/,
    severity: "hurt",
    explanation: "the kernel found its own state wrong",
  },
  {
    name: "soft lockup",
    pattern: /BUG: soft lockup|BUG: workqueue lockup|rcu: INFO: rcu_\w+ (?:self-)?detected stalls?/,
    severity: "hurt",
    explanation:
      "a processor did nothing else for many seconds: the guest, or this host, is overloaded",
  },
  {
    name: "hung task",
    pattern: /INFO: task .+ blocked for more than \d+ seconds/,
    severity: "hurt",
    explanation: "a process waits for the kernel for minutes",
  },
  {
    name: "out of memory",
    pattern: /Out of memory: Kill(?:ed)? process|Memory cgroup out of memory|invoked oom-killer/,
    severity: "hurt",
    explanation: "the kernel killed a process because memory ran out: give the machine more",
  },
  {
    name: "device timeout",
    pattern: /Timed out waiting for device /,
    severity: "hurt",
    explanation: "a device that the configuration names did not appear",
  },
  {
    name: "shared directory failure",
    pattern:
      /vhost_set_vring_kick failed|virtiofsd.*(?:ERROR|panicked|HandleRequest\()|virtio-fs: .*(?:failed|error)/i,
    severity: "hurt",
    explanation: "virtiofsd, which serves the host's directories, failed",
  },
  {
    name: "input/output error",
    pattern: /I\/O error, dev |Buffer I\/O error on dev/,
    severity: "hurt",
    explanation: "a disk did not answer: the image may be damaged, or this host's disk full",
  },
  {
    name: "file system error",
    pattern:
      /(?:EXT4|XFS|BTRFS|F2FS|erofs|EROFS)(?:-fs)?:? (?:error|warning.*mounting fs with errors)|Remounting filesystem read-only|Corruption of in-memory data/,
    severity: "hurt",
    explanation: "a file system found itself damaged",
  },
  {
    name: "ordering cycle",
    pattern: /Found ordering cycle on|Job \S+ deleted to break ordering cycle/,
    severity: "hurt",
    explanation: "units wait for each other in a circle, so systemd left one out",
  },
];

/** What QEMU's monitor tells of a guest, whatever its console shows. */
export type GuestEventName = "kernel panic" | "unexpected reboot";

export function alarmOfGuestEvent(name: GuestEventName, excerpt: readonly string[]): Alarm {
  const explanation = alarmTable.find((row) => row.name === name)?.explanation ?? name;
  return { name, severity: "fatal", explanation, line: "reported by QEMU", excerpt };
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
      recent.push(head.trimEnd());
      if (recent.length > excerptLines) recent.shift();
      const row = alarmTable.find(({ pattern }) => pattern.test(head));
      if (row === undefined) return undefined;
      const count = (seen.get(row) ?? 0) + 1;
      seen.set(row, count);
      if (count <= (row.allowed ?? 0)) return undefined;
      const { name, severity, explanation } = row;
      const excerpt = recent.filter((text) => text.trim() !== "");
      return { name, severity, explanation, line: line.trim().slice(0, 300), excerpt };
    },
    expectReboot: () => seen.clear(),
  };
}
