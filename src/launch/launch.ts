import { performance } from "../clock.ts";
import { Machine, type Phase, type Progress, type StartOptions } from "../machine/index.ts";
import {
  buildVm,
  evaluateMachine,
  findMachine,
  type BuiltVm,
  type NixOptions,
} from "../nix/index.ts";
import {
  chooseAccelerator,
  guestSizeOf,
  qemuOf,
  requireQemu,
  sweepRunDirectories,
  type Accelerator,
  type AcceleratorRequest,
  type GuestSize,
} from "../qemu/index.ts";
import { startWarm } from "./warm-start.ts";

/** How a machine is found, evaluated and built. */
export interface BuildOptions extends Omit<NixOptions, "onProgress"> {
  /** Called with `nixpkgs`, `evaluate`, `build`, then with the phases of the boot. */
  readonly onProgress?: (progress: Progress) => void;
}

/** How a vm that is built is booted. */
export interface BootOptions extends Pick<
  StartOptions,
  | "memoryMiB"
  | "cores"
  | "network"
  | "kernelParameters"
  | "lane"
  | "keep"
  | "repeatCommand"
  | "onProgress"
  | "onNotice"
  | "signal"
  | "timeoutMs"
> {
  /** @default "auto": what this host was measured to be good at */
  readonly accelerator?: AcceleratorRequest;
  /**
   * `warm`: from the checkpoint of an earlier start of the same vm with the same options, and on this boot of the host; where
   * there is none the guest boots, and leaves one when its services have settled. `renew`: boots, and leaves one in place of
   * an earlier one. @default "cold": a boot
   */
  readonly start?: "cold" | "warm" | "renew";
}

/** A vm that can be booted, whoever built it. */
export type Bootable = Pick<StartOptions, "name" | "runScript" | "system" | "vmSystem">;

export interface Built {
  readonly vm: BuiltVm;
  readonly phases: readonly Phase[];
}

export interface Launched {
  readonly machine: Machine;
  readonly vm: BuiltVm;
  /** From the choice of nixpkgs to the first command. */
  readonly phases: readonly Phase[];
}

/**
 * Finds, builds and boots a machine.
 * @throws UsageError, NixError, HostError where it could not be tried; GuestLostError where it does not boot
 */
export async function launch(
  reference: string | undefined,
  options: BuildOptions & BootOptions,
): Promise<Launched> {
  const built = await build(reference, options);
  const machine = await boot(bootable(built.vm), options);
  return { machine, vm: built.vm, phases: [...built.phases, ...machine.phases] };
}

/** Finds, evaluates and builds a machine's vm. @throws UsageError, NixError, HostError */
export async function build(reference: string | undefined, options: BuildOptions): Promise<Built> {
  const phases = measure(options.onProgress);
  const nixOptions: NixOptions = { ...options, onProgress: phases.progress };
  const source = await findMachine(reference, nixOptions);
  const vm = await buildVm(await evaluateMachine(source, nixOptions), nixOptions);
  return { vm, phases: phases.end() };
}

/** What the boot needs to know of a vm that {@link build} made. */
export function bootable({ source, runScript, system, vmSystem }: BuiltVm): Bootable {
  return { name: source.name, runScript, system, vmSystem };
}

/** What a vm's guest will take of this host, for a guest budget. */
export async function sizeOf(
  { runScript }: Pick<Bootable, "runScript">,
  { memoryMiB, cores }: Pick<BootOptions, "memoryMiB" | "cores"> = {},
): Promise<GuestSize> {
  const own = await guestSizeOf(runScript);
  return { memoryMiB: memoryMiB ?? own.memoryMiB, cores: cores ?? own.cores };
}

/** What runs guests on this host, and why it is not what one would expect. */
export function acceleratorOf(request: AcceleratorRequest = "auto"): Promise<Accelerator> {
  return chooseAccelerator({ request });
}

/** Boots a vm that is built. @throws HostError, GuestLostError */
export async function boot(vm: Bootable, options: BootOptions): Promise<Machine> {
  const { accelerator: request, start = "cold", ...rest } = options;
  const { onProgress, signal } = options;
  await sweepRunDirectories();
  onProgress?.({ phase: "accelerator" });
  const qemu = await qemuOf(vm.runScript);
  await requireQemu(qemu);
  const accelerator = await chooseAccelerator({
    qemu,
    ...(request === undefined ? {} : { request }),
    ...(signal === undefined ? {} : { signal }),
  });
  if (accelerator.warning !== undefined) {
    onProgress?.({ phase: "accelerator", detail: accelerator.warning });
  }
  const startOptions = { ...rest, ...vm, accelerator };
  if (start === "cold") return Machine.start(startOptions);
  return startWarm(startOptions, { qemu, renew: start === "renew" });
}

interface Measure {
  progress(progress: Progress): void;
  end(): Phase[];
}

/** Each phase that is reported lasts until the next. */
function measure(onProgress: (progress: Progress) => void = () => {}): Measure {
  const phases: Phase[] = [];
  let current = "nixpkgs";
  let since = performance.now();
  const close = (): void => {
    phases.push({ name: current, durationMs: performance.now() - since });
    since = performance.now();
  };
  return {
    progress(progress) {
      if (progress.phase !== current) {
        close();
        current = progress.phase;
      }
      onProgress(progress);
    },
    end() {
      close();
      return phases;
    },
  };
}
