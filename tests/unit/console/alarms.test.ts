import { readdirSync, readFileSync } from "node:fs";
import { expect, test } from "vitest";
import { alarmTable } from "../../../src/console/alarm-table.ts";
import { watchAlarms, type Alarm } from "../../../src/console/alarms.ts";
import { Transcript } from "../../../src/console/transcript.ts";

const transcripts = new URL("../../fixtures/transcripts/", import.meta.url);

function alarmsOf(file: string): Alarm[] {
  const watch = watchAlarms();
  const alarms: Alarm[] = [];
  const transcript = new Transcript({
    onLine: (line) => alarms.push(...[watch.line(line) ?? []].flat()),
  });
  transcript.write(readFileSync(new URL(file, transcripts)));
  return alarms;
}

// Recorded from guests to which it was done.
const recorded = [
  ["kernel-panic", "fatal", ["kernel panic"]],
  ["stage-1-failure", "fatal", ["device timeout", "stage 1 failure"]],
  ["emergency-mode", "fatal", ["ordering cycle", "device timeout", "emergency mode"]],
  ["locked-root-account", "fatal", ["emergency mode", "locked root account"]],
  ["rescue-mode", "fatal", ["rescue mode"]],
  ["maintenance-shell", "fatal", ["rescue mode", "maintenance shell"]],
  ["no-boot-device", "fatal", ["no boot device"]],
  ["unexpected-reboot", "fatal", ["unexpected reboot"]],
  ["shared-directory-failure", "fatal", ["shared directory failure"]],
  ["kernel-oops", "hurt", ["kernel oops"]],
  ["null-pointer", "hurt", ["kernel oops"]],
  ["general-protection-fault", "hurt", ["kernel oops"]],
  ["kernel-bug-at", "hurt", ["kernel oops"]],
  ["kernel-bug", "hurt", ["kernel bug"]],
  ["soft-lockup", "hurt", ["soft lockup"]],
  ["hung-task", "hurt", ["hung task"]],
  ["out-of-memory", "hurt", ["out of memory"]],
  ["out-of-memory-everywhere", "hurt", ["out of memory"]],
  ["input-output-error", "hurt", ["input/output error"]],
  ["file-system-error", "hurt", ["file system error"]],
] as const;

test.each(recorded)("a real console of a guest: %s is %s", (file, severity, names) => {
  const alarms = alarmsOf(`alarms/${file}.raw`);
  expect([...new Set(alarms.map(({ name }) => name))]).toEqual(names);
  expect(alarms.at(-1)).toMatchObject({ severity });
});

test("every alarm of the table was seen to happen", () => {
  const seen = new Set<string>(recorded.flatMap(([, , names]) => names));
  expect(alarmTable.map(({ name }) => name).filter((name) => !seen.has(name))).toEqual([]);
});

test("every fatal alarm says what to do about it", () => {
  const fatal = alarmTable.filter(({ severity }) => severity === "fatal");
  expect(fatal.filter(({ advice = "" }) => !/^[A-Z].{30,}\.$/.test(advice))).toEqual([]);
});

// By hand: other releases say it otherwise.
test.each([
  [
    "fatal",
    "kernel panic",
    "[    6.480812] Kernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)",
  ],
  // Where the kernel is told to print no time, or who speaks; and where it interrupts somebody else.
  ["fatal", "kernel panic", "Kernel panic - not syncing: Attempted to kill init!"],
  ["fatal", "kernel panic", "[    6.480812][    T1] Kernel panic - not syncing: Fatal exception"],
  ["fatal", "kernel panic", "[  OK  ] Started Ngi[    6.480812] Kernel panic - not syncing: Oops"],
  [
    "fatal",
    "stage 1 failure",
    "An error occurred in stage 1 of the boot process, which must mount the",
  ],
  ["fatal", "emergency mode", "[  OK  ] Reached target emergency.target - Emergency Mode."],
  ["fatal", "emergency mode", "[    9.1] systemd[1]: Reached target Emergency Mode."],
  [
    "fatal",
    "emergency mode",
    'Welcome to emergency mode! After logging in, type "journalctl -xb" to view',
  ],
  ["fatal", "maintenance shell", "Press Enter for maintenance"],
  ["fatal", "shared directory failure", "qemu-system-x86_64: vhost_set_vring_kick failed"],
  [
    "hurt",
    "shared directory failure",
    "[2024-02-03T10:11:12Z ERROR virtiofsd] Waiting for daemon failed: HandleRequest(InvalidParam)",
  ],
  ["hurt", "shared directory failure", "fuse: unknown option(s): `-o sandbox=bogus'"],
  ["hurt", "kernel oops", "[   22.1] BUG: unable to handle page fault for address: ffffffffc0000"],
  ["hurt", "soft lockup", "[   52.0] BUG: workqueue lockup - pool cpus=0 stuck for 33s!"],
  ["hurt", "device timeout", "[ TIME ] Timed out waiting for device /dev/disk/by-label/data."],
  ["hurt", "input/output error", "[   10.0] blk_update_request: I/O error, dev vda, sector 2048"],
  [
    "hurt",
    "input/output error",
    "[   10.0] Buffer I/O error on dev vda, logical block 0, lost async page write",
  ],
  ["hurt", "file system error", "[   10.1] XFS (vdb): Metadata corruption detected at xfs_agf"],
  ["hurt", "file system error", "[   10.1] BTRFS error (device vdb): bad tree block start"],
  ["hurt", "file system error", "[   10.1] EXT4-fs (vda): Remounting filesystem read-only"],
  [
    "hurt",
    "ordering cycle",
    "[    3.0] systemd[1]: sockets.target: Found ordering cycle on a.socket",
  ],
] as const)("%s: %s: %s", (severity, name, line) => {
  expect(watchAlarms().line(line)).toMatchObject({ severity, name, line });
});

test.each([
  // A unit's name or description, and somebody who quotes.
  "[  OK  ] Started kernel-panic-watch.service - Looks for «Kernel panic - not syncing».",
  "         Starting rescue-mode.service - Rescue mode for pets...",
  "[   12.000000] systemd[1]: Started Looks for Kernel panic - not syncing.",
  "[   12.000000] watcher[311]: Kernel panic - not syncing: quoted from another machine",
  "[   12.000000] logger[312]: You are in emergency mode. After logging in, type",
  "-- tip: Give root password for maintenance",
  "[  OK  ] Stopped target emergency.target - Emergency Mode.",
  "[   12.000000] kdump[9]: Oops: 0002 [#1] PREEMPT SMP NOPTI",
  // What a process of the machine does to itself is its unit's affair.
  "[   12.000000] traps: nginx[400] general protection fault ip:7f00 sp:7ffd error:0 in libc.so.6",
  "[   12.000000] nginx[400]: segfault at 0 ip 00007f00 sp 00007ffd error 4 in nginx[400000+1000]",
  "[   12.000000] oom_reaper: reaped process 294 (tail), now anon-rss:0kB",
  // A kernel's ordinary talk.
  "[    1.000000] EXT4-fs (vda): mounted filesystem with ordered data mode. Quota mode: none.",
  "[    1.000000] EXT4-fs (vda): re-mounted. Opts: errors=remount-ro",
  "[    0.500000] Kernel command line: panic=1 boot.panic_on_fail",
  "[    5.000000] virtiofs virtio3: virtio_fs_setup_dax: No cache capability",
  "[  OK  ] Started virtiofsd.service - Serves files, error or no error.",
])("no alarm: %s", (line) => {
  expect(watchAlarms().line(line)).toBeUndefined();
});

test("a boot that is in order raises no alarm", () => {
  const files = readdirSync(transcripts).filter((name) => name.endsWith(".raw"));
  expect(files.length).toBeGreaterThan(0);
  for (const file of files) expect(alarmsOf(file), file).toEqual([]);
});

test("a second boot banner is an alarm unless it was expected", () => {
  const watch = watchAlarms();
  const banner = "SeaBIOS (version 1.16.2-debian-1.16.2-1)";
  expect(watch.line(banner)).toBeUndefined();
  expect(watch.line(banner)).toMatchObject({ name: "unexpected reboot", severity: "fatal" });
  watch.expectReboot();
  expect(watch.line(banner)).toBeUndefined();
});

test("an alarm carries the lines that led to it", () => {
  const watch = watchAlarms();
  watch.line("mount: mounting /dev/disk/by-label/nowhere failed");
  expect(watch.line("An error occurred in stage 1 of the boot process")?.excerpt).toEqual([
    "mount: mounting /dev/disk/by-label/nowhere failed",
    "An error occurred in stage 1 of the boot process",
  ]);
});
