import { test as base, type TestAPI } from "vitest";
import type { Bootable } from "../launch/index.ts";
import { Network, type Machine } from "../machine/index.ts";
import { awaitedMachine, callText, withAwaitedMethods } from "./awaited-machine.ts";
import { mustBeAwaited } from "./awaited.ts";
import { buildKey, type AskedBuild } from "./builds.ts";
import { reportFailure } from "./failure.ts";
import { startFork, startGuest, type Guest, type MachineOptions } from "./guests.ts";
import { sharedWork, type SharedWork } from "./shared-work.ts";

export type { MachineOptions } from "./guests.ts";

/** The machines of a test. */
export interface Machines {
  /**
   * Boots a guest for this test alone; it is ended after it.
   *
   * @param machine a name in `machines/`, a path, `.#web` of a flake, or a vm that `build` made
   * @throws {NixError} where the machine cannot be built; {GuestLostError} where the guest does not boot; {UsageError}
   * where there is no such machine; {HostError} where this host cannot run it
   * @example
   * const web = await machines.start("web", { memoryMiB: 2048 });
   */
  start(machine: string | Bootable, options?: MachineOptions): Promise<Machine>;
  /**
   * The guest that the tests of this file share: the first that asks boots it, the end of the file ends it. Tests that
   * ask with other options get another one.
   *
   * @throws as {@link start}, to every test that asks
   */
  shared(machine: string | Bootable, options?: MachineOptions): Promise<Machine>;
  /**
   * Puts machines on a private network of their own, on which they find each other by name; it is ended after the test.
   *
   * @throws {UsageError} where QEMU is older than 7.2, or two of them have the same address; {GuestLostError}
   * @example
   * const [db, web] = await Promise.all([machines.start("db"), machines.start("web")]);
   * const network = await machines.connect(db, web);
   * await web.succeed("pg_isready -h db");
   * network.partition([db]);
   * await web.fail("pg_isready -h db");
   */
  connect(...machines: readonly Machine[]): Promise<Network>;
}

export interface MachineFixtures {
  readonly machines: Machines;
  /**
   * Options of every guest that a test starts, below those of the call itself.
   *
   * @example
   * test.override({ machineOptions: { memoryMiB: 2048 } }); // for the whole file, or within a `describe`
   */
  readonly machineOptions: MachineOptions;
}

/** What lives as long as a file. */
interface SharedGuests {
  /** By what was asked for; one that did not boot is not tried again. */
  readonly works: Map<string, SharedWork<Guest>>;
  readonly started: Promise<Guest>[];
}

/** vitest's `test` with the fixtures `machines` and `machineOptions`. */
export const test: TestAPI<MachineFixtures> = base.extend<{
  $file: { sharedGuests: SharedGuests };
  $test: MachineFixtures;
}>({
  machineOptions: {},
  sharedGuests: [
    // oxlint-disable-next-line no-empty-pattern -- vitest reads the parameter's names
    async ({}, use) => {
      const guests: SharedGuests = { works: new Map(), started: [] };
      await use(guests);
      await endAll(await running(guests.started));
    },
    { scope: "file" },
  ],
  machines: async ({ sharedGuests, machineOptions, task, signal, annotate }, use) => {
    const own: Promise<Guest>[] = [];
    const asked = new Set<Promise<Guest>>();
    const networks: Network[] = [];
    const earlierErrors = task.result?.errors?.length ?? 0;
    const file = `file ${task.file.id}`;
    const ownHolder = `test ${task.id}`;
    const keeper = { holder: ownHolder, blocks: [file] };
    const forkings: Promise<unknown>[] = [];
    const forksOf =
      (machine: Machine): Machine["fork"] =>
      async (count = 1) => {
        const forking = machine.forkWith(count, (options) => {
          const guest = startFork(options, keeper, signal);
          own.push(guest);
          asked.add(guest);
          return guest;
        });
        forkings.push(forking);
        return (await forking).map((fork) => held(fork.machine));
      };
    const held = (machine: Machine): Machine => awaitedMachine(machine, task, forksOf(machine));
    const machineOf = (guest: Promise<Guest>, text: string): Promise<Machine> => {
      asked.add(guest);
      const { stack } = new Error();
      const started = guest.then(({ machine }) => held(machine));
      return mustBeAwaited(started, { text: `machines.${text}`, stack, task });
    };
    const onOutcome = (build: AskedBuild): void =>
      void ((task.file.meta.drybootAsked ??= {})[buildKey(build.wanted)] = build);
    await use({
      start(machine, options) {
        const all = { ...machineOptions, ...options };
        const guest = startGuest(machine, all, keeper, { signal, onOutcome });
        own.push(guest);
        return machineOf(guest, callText("start", [machine]));
      },
      shared(machine, options) {
        const all = { ...machineOptions, ...options };
        const key = JSON.stringify([machine, all]);
        const keeper = { holder: file, blocks: [ownHolder] };
        const work = sharedWork(sharedGuests.works, key, (shared) => {
          const guest = startGuest(machine, all, keeper, { signal: shared, onOutcome });
          sharedGuests.started.push(guest);
          return guest;
        });
        return machineOf(work.wait(signal), callText("shared", [machine]));
      },
      connect(...connected) {
        const network = new Network();
        networks.push(network);
        const { stack } = new Error();
        const ready = network
          .connect(...connected)
          .then(() => withAwaitedMethods(network, "network", task));
        return mustBeAwaited(ready, { text: "machines.connect(…)", stack, task });
      },
    });
    await Promise.allSettled(forkings);
    const starts = await Promise.allSettled(asked);
    await reportFailure({
      task,
      annotate,
      signal,
      machines: fulfilled(starts).map(({ machine }) => machine),
      failedStarts: starts.flatMap((start) => (start.status === "rejected" ? [start.reason] : [])),
      errors: (task.result?.errors ?? []).slice(earlierErrors),
    });
    // Last: machines that have ended need not be taken off them.
    await endAll([...networks, ...(await running(own))]);
  },
});

/** Those that started; a start that failed has cleaned up itself, and its error is its test's. */
async function running(guests: Iterable<Promise<Guest>>): Promise<Guest[]> {
  return fulfilled(await Promise.allSettled(guests));
}

function fulfilled<T>(results: readonly PromiseSettledResult<T>[]): T[] {
  return results.flatMap((result) => (result.status === "fulfilled" ? [result.value] : []));
}

/** In reverse, every one of them, and then the first error. */
async function endAll(guests: readonly AsyncDisposable[]): Promise<void> {
  const errors: unknown[] = [];
  for (const guest of guests.toReversed()) {
    try {
      await guest[Symbol.asyncDispose]();
    } catch (error) {
      errors.push(error);
    }
  }
  if (errors.length > 0) throw errors[0];
}
