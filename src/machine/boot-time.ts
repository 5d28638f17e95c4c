import { parseProperties } from "../guest/systemd.ts";

/** How long the guest's own clock says that each part of its boot took. */
export interface BootTime {
  /** The kernel, and a stage 1 that is a script. */
  readonly kernelMs: number;
  /** Only where systemd runs in stage 1. */
  readonly initrdMs?: number;
  /** From systemd's start to the end of the boot; `undefined` while it is still booting. */
  readonly userspaceMs: number | undefined;
  readonly totalMs: number | undefined;
}

const stamps = [
  "InitRDTimestampMonotonic",
  "UserspaceTimestampMonotonic",
  "FinishTimestampMonotonic",
];

/** The manager's own time stamps: systemd-analyze is not in every image and refuses to answer during the boot. */
export const bootTimeCommand: readonly string[] = [
  "systemctl",
  "show",
  `--property=${stamps.join(",")}`,
];

export function parseBootTime(text: string): BootTime {
  const properties = parseProperties(text);
  const stamp = (name: string): number => (Number(properties.get(name)) || 0) / 1000;
  const initrd = stamp("InitRDTimestampMonotonic");
  const userspace = stamp("UserspaceTimestampMonotonic");
  const finish = stamp("FinishTimestampMonotonic");
  return {
    kernelMs: initrd || userspace,
    ...(initrd > 0 ? { initrdMs: userspace - initrd } : {}),
    userspaceMs: finish > 0 ? finish - userspace : undefined,
    totalMs: finish > 0 ? finish : undefined,
  };
}
