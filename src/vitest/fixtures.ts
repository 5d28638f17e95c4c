import { inject, test as base, type TestAPI } from "vitest";
import { bootable, boot, build, type Bootable, type BootOptions } from "../launch.ts";
import type { Machine } from "../machine/index.ts";
import type { DrybootSettings } from "./config.ts";
import { addEvidence, explainErrors, repeatCommand } from "./failure.ts";
import { slowProgress } from "./progress.ts";

/** How a test wants its guest. */
export type MachineOptions = Pick<
  BootOptions,
  "memoryMiB" | "cores" | "network" | "kernelParameters" | "accelerator" | "lane" | "timeoutMs"
>;

/** The machines of a test. Each is built once a process, whoever asks for it first. */
export interface Machines {
  /** Boots a guest for this test alone; it is ended after it. */
  start(machine: string | Bootable, options?: MachineOptions): Promise<Machine>;
  /** The guest that the tests of this file share: the first that asks boots it, the end of the file ends it. */
  shared(machine: string | Bootable, options?: MachineOptions): Promise<Machine>;
}

export interface MachineFixtures {
  readonly machines: Machines;
}

/** What lives as long as a file: guests by what was asked for; one that did not boot is not tried again. */
type SharedGuests = Map<string, Promise<Machine>>;

/** vitest's `test` with the fixture `machines`. */
export const test: TestAPI<MachineFixtures> = base.extend<{
  $file: { sharedGuests: SharedGuests };
  $test: MachineFixtures;
}>({
  sharedGuests: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads the parameter's names
    async ({}, use) => {
      const guests: SharedGuests = new Map();
      await use(guests);
      await endAll(await running(guests.values()));
    },
    { scope: "file" },
  ],
  machines: async ({ sharedGuests, task, signal }, use) => {
    const own: Promise<Machine>[] = [];
    const asked = new Set<Promise<Machine>>();
    await use({
      start(machine, options) {
        const guest = startGuest(machine, options, signal);
        own.push(guest);
        asked.add(guest);
        return guest;
      },
      shared(machine, options) {
        const key = JSON.stringify([machine, options]);
        const guest = sharedGuests.get(key) ?? startShared(machine, options, signal);
        sharedGuests.set(key, guest);
        asked.add(guest);
        return guest;
      },
    });
    if (task.result?.state === "fail") {
      const errors = task.result.errors ?? [];
      explainErrors(errors);
      await addEvidence(errors, await running(asked), repeatCommand(task));
    }
    await endAll(await running(own));
  },
});

const builds = new Map<string, Promise<Bootable>>();

/** Builds a machine by its name or path, once in this process. */
function buildOnce(
  reference: string,
  { cwd = process.cwd(), nixpkgs, nixPath, machinesDirectory, memoryMiB, cores }: DrybootSettings,
  signal: AbortSignal,
): Promise<Bootable> {
  const known = builds.get(reference);
  if (known !== undefined) return known;
  const progress = slowProgress(reference);
  const options = defined({ nixpkgs, nixPath, machinesDirectory, memoryMiB, cores });
  const started = build(reference, { cwd, ...options, signal, onProgress: progress.show })
    .then(({ vm }) => bootable(vm))
    .finally(progress.end);
  builds.set(reference, started);
  // A build that was cut short says nothing about the machine.
  started.catch(() => signal.aborted && builds.delete(reference));
  return started;
}

async function startGuest(
  machine: string | Bootable,
  options: MachineOptions = {},
  signal: AbortSignal,
): Promise<Machine> {
  const settings = inject("dryboot") ?? {};
  const vm = typeof machine === "string" ? await buildOnce(machine, settings, signal) : machine;
  const { accelerator, memoryMiB, cores, lane, bootTimeoutMs: timeoutMs } = settings;
  const defaults = defined({ accelerator, memoryMiB, cores, lane, timeoutMs });
  const progress = slowProgress(vm.name);
  try {
    return await boot(vm, { ...defaults, ...options, signal, onProgress: progress.show });
  } finally {
    progress.end();
  }
}

/** The test that asks first can interrupt the boot, but its end does not concern the guest any more. */
async function startShared(
  machine: string | Bootable,
  options: MachineOptions | undefined,
  signal: AbortSignal,
): Promise<Machine> {
  const controller = new AbortController();
  const abort = (): void => controller.abort(signal.reason);
  signal.addEventListener("abort", abort);
  try {
    return await startGuest(machine, options, controller.signal);
  } finally {
    signal.removeEventListener("abort", abort);
  }
}

/** Those that started; a start that failed has cleaned up itself, and its error is its test's. */
async function running(guests: Iterable<Promise<Machine>>): Promise<Machine[]> {
  const results = await Promise.allSettled(guests);
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

/** In reverse, every one of them, and then the first error. */
async function endAll(machines: readonly Machine[]): Promise<void> {
  const errors: unknown[] = [];
  for (const machine of machines.toReversed()) {
    await machine[Symbol.asyncDispose]().catch((error: unknown) => errors.push(error));
  }
  if (errors.length > 0) throw errors[0];
}

/** Without the keys that have no value. */
function defined<T extends object>(options: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  const entries = Object.entries(options).filter(([, value]) => value !== undefined);
  return Object.fromEntries(entries) as { [K in keyof T]?: Exclude<T[K], undefined> };
}
