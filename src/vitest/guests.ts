import { inject } from "vitest";
import { InterruptedError, UsageError } from "../errors.ts";
import { acquireGuestSlot, type GuestSlotOptions } from "../host/index.ts";
import { boot, sizeOf, type Bootable, type BootOptions } from "../launch/index.ts";
import { Machine, type StartOptions } from "../machine/index.ts";
import { builtVm, type BuiltOptions } from "./builds.ts";
import { slowProgress, type SlowProgress } from "./progress.ts";
import type { DrybootSettings } from "./settings.ts";
import { pauseLimits } from "./test-limit.ts";

/** How a test wants its guest. */
export interface MachineOptions extends Pick<
  BootOptions,
  "memoryMiB" | "cores" | "network" | "kernelParameters" | "accelerator" | "lane" | "timeoutMs"
> {
  /**
   * Boots, whatever checkpoint there is: for a test of the boot itself.
   * @default false: goes on where an earlier start of the same vm had booted, and its services had settled
   */
  readonly cold?: boolean;
  /** A NixOS module for this vm alone: its text, or the path of a `.nix` file that starts at the project's root. */
  readonly overrides?: string;
}

/** Who keeps a guest, and who cannot end while it is waited for. */
export interface GuestKeeper {
  readonly holder: string;
  readonly blocks: readonly string[];
}

/** A guest that runs, with the room on this host that it has until it ends. */
export interface Guest extends AsyncDisposable {
  readonly machine: Machine;
}

/** Builds what is not built, waits until this host carries the guest, and boots it. */
export async function startGuest(
  machine: string | Bootable,
  { overrides, ...options }: MachineOptions,
  keeper: GuestKeeper,
  built: BuiltOptions,
): Promise<Guest> {
  const { signal } = built;
  const settings = inject("dryboot") ?? {};
  const vm = await vmOf(machine, overrides, built);
  const { cold = false, ...bootOptions } = { ...defaultsOf(settings, vm.name), ...options };
  const progress = slowProgress(vm.name);
  let at: string | undefined;
  signal.addEventListener("abort", () => void (at = progress.latest()), { once: true });
  try {
    const slot = await waitForRoom(
      { ...(await sizeOf(vm, bootOptions)), ...keeper, signal },
      progress,
    );
    const start = cold ? "cold" : "warm";
    const onNotice = (notice: string): void => void process.stderr.write(`${notice}\n`);
    const { show: onProgress } = progress;
    const how = { ...bootOptions, start, signal, onProgress, onNotice } as const;
    return await inSlot(slot, () => boot(vm, how));
  } catch (error) {
    if (!(error instanceof InterruptedError) || at === undefined) throw error;
    throw new InterruptedError(`${vm.name}: interrupted at ${at}`, { cause: error });
  } finally {
    progress.end();
  }
}

/** Waits until this host carries one more guest, and starts one that goes on from another's moment. */
export async function startFork(
  options: StartOptions,
  keeper: GuestKeeper,
  signal: AbortSignal,
): Promise<Guest> {
  const progress = slowProgress(options.name);
  try {
    const slot = await waitForRoom(
      { ...(await sizeOf(options, options)), ...keeper, signal },
      progress,
    );
    const { show: onProgress } = progress;
    return await inSlot(slot, () => Machine.start({ ...options, signal, onProgress }));
  } finally {
    progress.end();
  }
}

/** However long it takes: it is no test's fault. */
async function waitForRoom(
  wanted: GuestSlotOptions,
  { show }: Pick<SlowProgress, "show">,
): Promise<AsyncDisposable> {
  let pause: Disposable | undefined;
  try {
    return await acquireGuestSlot({
      ...wanted,
      onWait(processes) {
        pause = pauseLimits();
        show({
          phase: "waiting until other guests have ended",
          detail: `of process ${processes.join(", ")}`,
        });
      },
    });
  } finally {
    pause?.[Symbol.dispose]();
  }
}

function vmOf(
  machine: string | Bootable,
  overrides: string | undefined,
  built: BuiltOptions,
): Bootable | Promise<Bootable> {
  if (typeof machine === "string") {
    const wanted = { reference: machine, ...(overrides === undefined ? {} : { overrides }) };
    return builtVm(wanted, inject("dryboot") ?? {}, built);
  }
  if (overrides === undefined) return machine;
  throw new UsageError(
    `${machine.name}: overrides change how a vm is built, and this one is built`,
  );
}

async function inSlot(slot: AsyncDisposable, start: () => Promise<Machine>): Promise<Guest> {
  try {
    const machine = await start();
    return {
      machine,
      async [Symbol.asyncDispose]() {
        await using _released = slot;
        await machine[Symbol.asyncDispose]();
      },
    };
  } catch (error) {
    await slot[Symbol.asyncDispose]();
    throw error;
  }
}

/** Without the keys that have no value. */
function defaultsOf({ machines, ...all }: DrybootSettings, name: string): MachineOptions {
  const {
    accelerator,
    lane,
    memoryMiB,
    cores,
    cold,
    bootTimeoutMs: timeoutMs,
  } = {
    ...all,
    ...machines?.[name],
  };
  const given = Object.entries({ accelerator, lane, memoryMiB, cores, cold, timeoutMs });
  return Object.fromEntries(given.filter(([, value]) => value !== undefined));
}
