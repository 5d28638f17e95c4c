import type { Accelerator } from "./accelerator.ts";
import type { RunDirectory } from "./run-directory.ts";

export interface RunScriptOptions {
  readonly runDirectory: RunDirectory;
  readonly accelerator: Accelerator;
  /** @default what the machine's configuration says */
  readonly memoryMiB?: number;
  readonly cores?: number;
  /** `restricted`: no way out of the guest; forwarded ports still work. @default "restricted" */
  readonly network?: "restricted" | "open";
  /** Appended to the kernel's command line, where the last of a kind wins. */
  readonly kernelParameters?: readonly string[];
  /** Further QEMU arguments, one word each. */
  readonly qemuArguments?: readonly string[];
  /** @default process.env */
  readonly environment?: Readonly<Record<string, string | undefined>>;
}

/** How a `run-*-vm` script is started; it reads its settings from the environment. */
export interface RunScriptCall {
  readonly args: readonly string[];
  readonly env: Readonly<Record<string, string>>;
  readonly cwd: string;
}

/**
 * Arguments and environment for a run script. Dryboot's own QEMU options are arguments: they come
 * last, behind the script's and the user's `QEMU_OPTS`, and unlike those may hold blanks.
 */
export function runScriptCall({
  runDirectory,
  accelerator,
  memoryMiB,
  cores,
  network = "restricted",
  kernelParameters = [],
  qemuArguments = [],
  environment = process.env,
}: RunScriptOptions): RunScriptCall {
  const inherited = Object.entries(environment).filter(
    (entry): entry is [string, string] => entry[1] !== undefined && !notForGuests.has(entry[0]),
  );
  const restriction = network === "restricted" ? "restrict=on" : "";
  const [markerName = "", markerValue = ""] = splitOnce(runDirectory.marker, "=");
  return {
    cwd: runDirectory.path,
    args: [
      ...serialLine,
      ...accelerator.qemuArguments,
      ...(memoryMiB === undefined ? [] : ["-m", String(memoryMiB)]),
      ...(cores === undefined ? [] : ["-smp", String(cores)]),
      "-qmp",
      `unix:${runDirectory.qmpSocket.replaceAll(",", ",,")},server=on,wait=off`,
      ...panicDevice,
      ...qemuArguments,
    ],
    env: {
      ...Object.fromEntries(inherited),
      [markerName]: markerValue,
      TMPDIR: runDirectory.path,
      USE_TMPDIR: "1",
      NIX_DISK_IMAGE: runDirectory.diskImage,
      SHARED_DIR: runDirectory.shared,
      NIX_EFI_VARS: `${runDirectory.path}/efi-vars.fd`,
      NIX_SWTPM_DIR: `${runDirectory.path}/swtpm`,
      // The script puts this behind a comma of its own.
      QEMU_NET_OPTS: joined([environment["QEMU_NET_OPTS"], restriction], ","),
      QEMU_KERNEL_PARAMS: joined(
        [
          environment["QEMU_KERNEL_PARAMS"],
          "console=ttyS0",
          ...accelerator.kernelParameters,
          ...kernelParameters,
        ],
        " ",
      ),
    },
  };
}

// `-nographic` alone would leave the terminal's signals on when there is a QMP besides: Ctrl-C would end QEMU
// instead of reaching the guest. No monitor shares this line, so 0x01 is a byte as any other.
const serialLine = [
  "-nographic",
  "-chardev",
  "stdio,id=dryboot.console,signal=off",
  "-serial",
  "chardev:dryboot.console",
];

// By which a guest's kernel tells QEMU of its panic. Other processors have no ISA bus to put it on.
const panicDevice = process.arch === "x64" ? ["-device", "pvpanic"] : [];

// A display would open a window; the rest is the state of another shell.
const notForGuests = new Set(["DISPLAY", "WAYLAND_DISPLAY", "PWD", "OLDPWD", "SHLVL", "_"]);

function joined(parts: readonly (string | undefined)[], separator: string): string {
  return parts.filter((part) => part !== undefined && part !== "").join(separator);
}

function splitOnce(text: string, separator: string): [string, string] {
  const at = text.indexOf(separator);
  return [text.slice(0, at), text.slice(at + separator.length)];
}
