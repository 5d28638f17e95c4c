/** A console line that means that the guest is lost or hurt. */
export interface AlarmRow {
  readonly name: string;
  /** Whose message it is; one that somebody else quotes is no alarm. */
  readonly by: Speaker;
  /** Compared with the message, without what its speaker puts before each. */
  readonly pattern: RegExp;
  /** `fatal`: nothing that waits for the guest can still succeed. */
  readonly severity: "fatal" | "hurt";
  /** What it means, for somebody who never saw it. */
  readonly explanation: string;
  /** What to do about it, of a fatal one. */
  readonly advice?: string;
  /** How often the line belongs to a boot that is in order. @default 0 */
  readonly allowed?: number;
}

/** Who says something on the console; QEMU's own words come on the same terminal. */
export type Speaker = "kernel" | "systemd" | "qemu" | "anyone";

const reboot = {
  name: "unexpected reboot",
  severity: "fatal",
  explanation: "the guest booted again though nobody asked it to",
  advice:
    "Find what resets it: a unit, a watchdog, a crash with panic=…; a test reboots it with machine.reboot().",
  allowed: 1,
} as const;

const lookAbove = "The lines before it name what failed";

export const alarmTable: readonly AlarmRow[] = [
  {
    name: "kernel panic",
    by: "kernel",
    pattern: /^Kernel panic - not syncing/,
    severity: "fatal",
    explanation: "the kernel gave up",
    advice: `${lookAbove}; where it is memory, give the machine more (--memory).`,
  },
  {
    name: "stage 1 failure",
    by: "anyone",
    pattern: /^An error occurred in stage 1 of the boot process/,
    severity: "fatal",
    explanation: "the initrd could not mount the root file system",
    advice: `${lookAbove}: mostly a device or a module; dryboot diff shows what the vm mounts.`,
  },
  {
    name: "emergency mode",
    by: "systemd",
    pattern:
      /^(?:(?:You are in|Welcome to) emergency mode|Reached target (?:\S+ - )?Emergency Mode)/,
    severity: "fatal",
    explanation: "systemd could not reach its default target, mostly because of a file system",
    advice: `${lookAbove}: mostly a mount; dryboot diff shows what the vm mounts.`,
  },
  {
    name: "rescue mode",
    by: "systemd",
    pattern:
      /^(?:(?:You are in|Welcome to) rescue mode|Reached target (?:\S+ - )?Rescue (?:Mode|Shell))/,
    severity: "fatal",
    explanation: "systemd stopped at the rescue shell",
    advice: "Look for rescue.target in the configuration: something wants it at boot.",
  },
  {
    name: "locked root account",
    by: "anyone",
    pattern: /^Cannot open access to console, the root account is locked/,
    severity: "fatal",
    explanation: "the maintenance shell cannot be used either",
    advice: `${lookAbove}, before the maintenance shell was wanted.`,
  },
  {
    name: "maintenance shell",
    by: "anyone",
    pattern: /^(?:Give root password|Press Enter) for (?:system )?maintenance/,
    severity: "fatal",
    explanation: "the boot stopped and waits for somebody at the console",
    advice: `${lookAbove}, before the maintenance shell was wanted.`,
  },
  {
    name: "no boot device",
    by: "anyone",
    pattern: /^No bootable device\.|^Boot failed: not a bootable disk/,
    severity: "fatal",
    explanation: "the firmware found nothing to start",
    advice:
      "The run script gives QEMU neither a kernel nor a bootable disk: look at its -kernel and -drive.",
  },
  {
    ...reboot,
    by: "anyone",
    pattern: /SeaBIOS \(version /,
  },
  {
    ...reboot,
    by: "kernel",
    pattern: /^Linux version \d+\.\d+/,
  },
  {
    ...reboot,
    by: "anyone",
    pattern: /^<<< NixOS Stage 1 >>>/,
  },
  {
    name: "kernel oops",
    by: "kernel",
    pattern:
      /^(?:Oops: |general protection fault|kernel BUG at |BUG: (?:unable to handle|kernel NULL pointer))/,
    severity: "hurt",
    explanation: "the kernel caught an error in itself",
  },
  {
    name: "soft lockup",
    by: "kernel",
    pattern:
      /^(?:(?:watchdog: )?BUG: (?:soft|workqueue) lockup|rcu: INFO: rcu_\w+ (?:self-)?detected stalls?)/,
    severity: "hurt",
    explanation:
      "a processor did nothing else for many seconds: the guest, or this host, is overloaded",
  },
  {
    name: "kernel bug",
    by: "kernel",
    pattern: /^BUG: /,
    severity: "hurt",
    explanation: "the kernel found its own state wrong",
  },
  {
    name: "hung task",
    by: "kernel",
    pattern: /^INFO: task .+ blocked for more than \d+ seconds/,
    severity: "hurt",
    explanation: "a process waits for the kernel for minutes",
  },
  {
    name: "out of memory",
    by: "kernel",
    pattern:
      /^(?:(?:Out of memory|Memory cgroup out of memory): Kill(?:ed)? process|.{1,20} invoked oom-killer:)/,
    severity: "hurt",
    explanation: "the kernel killed a process because memory ran out: give the machine more",
  },
  {
    name: "device timeout",
    by: "systemd",
    pattern: /^Timed out waiting for device /,
    severity: "hurt",
    explanation: "a device that the configuration names did not appear",
  },
  {
    name: "shared directory failure",
    by: "qemu",
    pattern:
      /^(?:Unexpected end-of-file before all data were read|vhost_set_vring_kick failed|Failed to (?:read|write) msg)/,
    severity: "fatal",
    explanation:
      "virtiofsd, which serves the host's directories, is gone: whoever uses one in the guest hangs",
    advice:
      "Look for virtiofsd's own words on the console; the host's kernel may have killed it (dmesg).",
  },
  {
    name: "shared directory failure",
    by: "anyone",
    pattern:
      /\bERROR virtiofsd\b|\bHandleRequest\(|^fuse: (?:unknown option|invalid parameter)|^vhost socket bind: |^failed to stat source /,
    severity: "hurt",
    explanation: "virtiofsd, which serves the host's directories, failed",
  },
  {
    name: "input/output error",
    by: "kernel",
    pattern: /^(?:Buffer I\/O error on dev|(?:\w+: )?(?:critical [\w ]+ error|I\/O error), dev )/,
    severity: "hurt",
    explanation: "a disk did not answer: the image may be damaged, or this host's disk full",
  },
  {
    name: "file system error",
    by: "kernel",
    pattern:
      /^(?:EXT[234]-fs|XFS|BTRFS|F2FS-fs|FAT-fs|erofs):? (?:\([^)]*\): )?(?:error|critical|warning.*mounting fs with errors|Internal error|Metadata corruption|Corruption of|Remounting filesystem read-only)/i,
    severity: "hurt",
    explanation: "a file system found itself damaged",
  },
  {
    name: "ordering cycle",
    by: "systemd",
    pattern:
      /^(?:\S+: )?(?:Found ordering cycle on|Job \S+ deleted to break ordering cycle|Ordering cycle found)/,
    severity: "hurt",
    explanation: "units wait for each other in a circle, so systemd left one out",
  },
];
