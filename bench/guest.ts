import { join } from "node:path";
import { Console, spawnPty } from "../src/console/index.ts";
import { Deadline } from "../src/deadline.ts";
import { openLane, laneQemuArguments, type Lane } from "../src/guest/lane/index.ts";
import { login } from "../src/guest/index.ts";
import { build } from "../src/launch/index.ts";
import { chooseAccelerator, createRunDirectory, runScriptCall } from "../src/qemu/index.ts";

export interface BenchGuest extends AsyncDisposable {
  readonly console: Console;
  readonly lane: Lane;
  /** The other end of the guest's /dev/hvc0, the console on which NixOS's test driver talks. */
  readonly hvcSocket: string;
  readonly accelerator: string;
}

/** Boots the machine `minimal`, or the run script that `DRYBOOT_BENCH_SCRIPT` names. */
export async function startBenchGuest(): Promise<BenchGuest> {
  const runScript =
    process.env["DRYBOOT_BENCH_SCRIPT"] ??
    (await build("minimal", { cwd: process.cwd() })).vm.runScript;
  const accelerator = await chooseAccelerator();
  const cleanup: (() => PromiseLike<void>)[] = [];
  const dispose = async (): Promise<void> => {
    for (const release of cleanup.toReversed()) await release();
  };
  try {
    const directory = await createRunDirectory({ name: "bench" });
    cleanup.push(() => directory[Symbol.asyncDispose]());
    const hvcSocket = join(directory.path, "hvc");
    const call = runScriptCall({
      runDirectory: directory,
      accelerator,
      qemuArguments: [...laneQemuArguments(directory.path), ...hvcArguments(hvcSocket)],
    });
    const transport = spawnPty({ file: runScript, ...call, marker: directory.marker });
    directory.guard.watch(transport.pid);
    const console = new Console(transport, { recordIn: directory.path });
    cleanup.push(() => console.terminate());
    const deadline = Deadline.after(600_000);
    await login(console, { deadline });
    const attempt = await openLane(console, { directory: directory.path, deadline });
    const { lane } = attempt;
    if (lane === undefined) throw new Error(`no lane: ${attempt.reason}`);
    cleanup.push(() => lane[Symbol.asyncDispose]());
    return {
      console,
      lane,
      hvcSocket,
      accelerator: accelerator.name,
      [Symbol.asyncDispose]: dispose,
    };
  } catch (error) {
    await dispose();
    throw error;
  }
}

function hvcArguments(socket: string): string[] {
  return [
    "-device",
    "virtio-serial-pci,id=bench",
    "-chardev",
    `socket,id=hvc,path=${socket},server=on,wait=off`,
    "-device",
    "virtconsole,bus=bench.0,chardev=hvc",
  ];
}
