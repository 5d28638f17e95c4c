import { bootTimeCommand, parseBootTime, type BootTime } from "./boot-time.ts";
import type { Phase } from "./boot-phases.ts";
import {
  Checkpoints,
  requireSavable,
  saveGuest,
  type Checkpoint,
  type SavedGuest,
} from "./checkpoint.ts";
import type { CommandResult } from "./command.ts";
import { UsageError } from "../errors.ts";
import { collectEvidence, type Evidence } from "./evidence.ts";
import { Forks } from "./fork.ts";
import { failedUnitsCommand, parseFailedUnits } from "./failed-units.ts";
import type { WaitOptions } from "./guest-commands.ts";
import { bootGuest, type RunningGuest, type StartOptions } from "./guest.ts";
import { GuestPower } from "./guest-power.ts";
import { lateOutputOf, type LateOutput } from "./late-output.ts";
import { switchSystem } from "./switch-system.ts";
import { download } from "./download.ts";
import type { TransferOptions, UploadOptions } from "./transfer.ts";
import { upload } from "./upload.ts";

/**
 * A guest that is running. Every method that talks to it throws GuestLostError, with the guest's first failure as
 * the cause, once the guest is lost.
 */
export class Machine extends GuestPower implements AsyncDisposable {
  readonly #checkpoints: Checkpoints;
  readonly #forks: Forks;

  private constructor(guest: RunningGuest) {
    super(guest);
    this.#checkpoints = new Checkpoints(guest);
    this.#forks = new Forks(guest);
  }

  /**
   * Boots a guest through its run script and logs in; what fails to start leaves no process behind.
   * @throws GuestLostError where the guest does not reach its shell
   */
  static async start(options: StartOptions): Promise<Machine> {
    return new Machine(await bootGuest(options));
  }

  /** How QEMU runs this guest. */
  get accelerator(): StartOptions["accelerator"] {
    return this.guest.options.accelerator;
  }

  /** Store path of the closure that is deployed. */
  get system(): string | undefined {
    return this.guest.options.system;
  }

  /** Store path of the closure that this guest was booted from. */
  get vmSystem(): string | undefined {
    return this.guest.options.vmSystem;
  }

  /** How commands reach this guest: over the lane, or over the console, and then why. */
  get commandWay(): { readonly kind: string; readonly reason?: string } {
    const { channel, laneRefusal: reason } = this.guest.commandWay;
    return { kind: channel.kind, ...(reason === undefined ? {} : { reason }) };
  }

  /**
   * What processes in the background wrote after the command that started them had ended: the newest 32 KiB of each output,
   * for the last 16 such commands since the lane was opened. Over the console it is thrown away.
   */
  lateOutput(): LateOutput[] {
    return lateOutputOf(this.guest.commandWay.channel);
  }

  /** Private directory of this guest on the host, with its disk image and `console.log`. */
  get runDirectory(): string {
    return this.guest.directory.path;
  }

  /** How long dryboot waited for each part of the latest boot. */
  get phases(): readonly Phase[] {
    return this.guest.phases;
  }

  /** Where `/run/current-system` points to. */
  async currentSystem(): Promise<string> {
    return (await this.run(["readlink", "-n", "-f", "/run/current-system"])).stdout;
  }

  /**
   * Activates another system that lies in the guest's store: a specialisation (`${web.vmSystem}/specialisation/blue`), or
   * a path of `virtualisation.additionalPaths`. It is `switch-to-configuration test`: the next boot is what it was.
   * @returns what the switch said
   * @throws UsageError where it does not lie there; CommandFailedError where the switch or one of its units fails
   */
  switchTo(system: string, options?: WaitOptions): Promise<CommandResult> {
    return switchSystem(this.guest, system, this.patience(options));
  }

  /** Names of the units that systemd counts as failed now. */
  async failedUnits(): Promise<string[]> {
    return parseFailedUnits((await this.run(failedUnitsCommand)).stdout);
  }

  /** The boot by the guest's own clock; {@link phases} has it by the host's. */
  async bootTime(): Promise<BootTime> {
    return parseBootTime((await this.run(bootTimeCommand)).stdout);
  }

  /**
   * Saves the guest's memory and disk as they are now. The guest stands still meanwhile (some tenths of a second) and runs
   * on; commands that are under way go on too. The files take as much room as the guest has used memory.
   * @throws UsageError where QEMU cannot save it (a share of the host is mounted, or it writes to more than its disk), or
   * where commands travel over the console or the guest is on a {@link Network}; GuestLostError
   */
  async checkpoint(): Promise<Checkpoint> {
    this.#requireNoCards();
    return this.#checkpoints.take();
  }

  #requireNoCards(): void {
    if (!this.hasPluggedCards) return;
    throw new UsageError(`${this.name} cannot be saved: it is on a network`, {
      hint: "Do it before: a guest that is restored comes back to the networks that it is on.",
    });
  }

  /**
   * Takes the guest back to a moment of before, whatever has become of it since: its processes, files and the command lane
   * are as they were, and its clock is set to the host's. Commands that were under way fail; forwarded ports are
   * closed. The transcript of the console goes on.
   * @throws UsageError where the checkpoint is of another guest; GuestLostError where it does not come back
   */
  async restore(checkpoint: Checkpoint, { timeoutMs }: WaitOptions = {}): Promise<void> {
    await this.guest.restore(this.#checkpoints.of(checkpoint), timeoutMs);
    await this.tellOfBoot();
  }

  /**
   * Starts guests that go on from this moment, each with a memory, a disk and a run directory of its own: `web-fork1`,
   * `web-fork2` … This one runs on. They are twins: boot id, machine id, host name and random numbers that were drawn are
   * the same in all of them. What this guest has forwarded to the host stays with it; of commands that are under way the
   * forks have the processes, and nobody waits for them there.
   * @param count how many. @default 1
   * @returns them, all with their first command possible; they end with the test, or where they are disposed of
   * @throws UsageError where {@link checkpoint} does; GuestLostError where one does not start, and then none is left
   * @example
   * const [left, right] = await web.fork(2);
   */
  fork(count = 1): Promise<Machine[]> {
    return this.forkWith(count, Machine.start);
  }

  /** As {@link fork}, for whoever shares out the host among guests. @internal */
  async forkWith<T extends AsyncDisposable>(
    count: number,
    start: (options: StartOptions) => Promise<T>,
  ): Promise<T[]> {
    this.#requireNoCards();
    return this.#forks.start(count, { save: (directory) => this.saveTo(directory), start });
  }

  /** @throws UsageError where {@link checkpoint} would. @internal */
  requireSavable(): Promise<void> {
    return requireSavable(this.guest);
  }

  /** Saves the guest for other guests of the same run script. @internal */
  async saveTo(directory: string): Promise<SavedGuest> {
    const saved = await saveGuest(this.guest, directory);
    return { ...saved, consoleText: this.guest.console.transcript.told() };
  }

  /**
   * Copies a file or a tree of this host into the guest; a tree's content goes into the target directory, which is made
   * where it is missing.
   * @throws CommandFailedError
   */
  upload(source: string, target: string, options?: UploadOptions): Promise<void> {
    return upload(this, { source, target }, options);
  }

  /**
   * Copies a file or a tree of the guest to this host; a tree's content goes into the target directory. Nothing that the
   * guest sends is written outside of the target.
   * @throws CommandFailedError
   */
  download(source: string, target: string, options?: TransferOptions): Promise<void> {
    return download(this, { source, target }, options);
  }

  /** What explains a failure; bounded in time, never throws. */
  collectEvidence(): Promise<Evidence> {
    return collectEvidence(this, this.guest);
  }

  /** The run directory stays when the guest is gone. */
  async keepRunDirectory(): Promise<void> {
    await this.guest.directory.keep();
  }

  /** Ends the guest and removes its run directory, unless it is to be kept. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.guest[Symbol.asyncDispose]();
  }
}
