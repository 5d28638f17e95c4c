import { Deadline } from "../deadline.ts";
import type { WaitOptions } from "./guest-commands.ts";
import { GuestWaits } from "./guest-waits.ts";
import { rebootGuest, shutDownGuest } from "./power.ts";
import { lost } from "./run-command.ts";

/** Switching a guest off and on again, and who wants to know of that. */
export abstract class GuestPower extends GuestWaits {
  readonly #bootListeners = new Set<() => Promise<void>>();

  /** Booted, and neither lost nor ended. */
  get isUp(): boolean {
    return this.guest.console.failure === undefined && !this.guest.isBooting;
  }

  /**
   * Boots this guest once more after it was crashed, killed or shut down, with the disk and the run directory that it had;
   * where it is up, nothing is done. The console's transcript goes on; alarms and the command lane are new; what
   * {@link forward} opened is closed, and the network's cables are in.
   * @param options.timeoutMs as long as every boot of this guest may take, where it is not said
   * @throws GuestLostError where it does not boot, or was lost and still runs: {@link crash} ends it
   */
  async start({ timeoutMs }: WaitOptions = {}): Promise<void> {
    if (this.isUp) return;
    const { failure } = this.guest.console;
    if (failure !== undefined && !this.guest.ended && !this.guest.isBooting) {
      throw lost(this.guest, "start it again, for it has not ended (crash() ends it)", failure);
    }
    await this.guest.bootAgain(timeoutMs);
    await this.tellOfBoot();
  }

  /** Boots the guest again; proved by a new boot id. @throws GuestLostError, ExpectationError */
  async reboot(options?: WaitOptions): Promise<void> {
    await rebootGuest(this.guest, Deadline.after(this.patience(options).timeoutMs));
    await this.tellOfBoot();
  }

  /**
   * Is called at the end of each later {@link start}, {@link restore} and {@link reboot}, which wait for it.
   * @returns what ends it @internal
   */
  onLaterBoot(listener: () => Promise<void>): () => void {
    this.#bootListeners.add(listener);
    return () => void this.#bootListeners.delete(listener);
  }

  /** To be called whenever the guest is there again. */
  protected async tellOfBoot(): Promise<void> {
    for (const listener of this.#bootListeners) await listener();
  }

  /** Has the guest switch itself off, and waits for the end of QEMU. @throws ExpectationError, GuestLostError */
  async shutdown(options?: WaitOptions): Promise<void> {
    await shutDownGuest(this.guest, Deadline.after(this.patience(options).timeoutMs));
  }

  /**
   * Pulls the plug: the guest gets no chance to write anything more. What it had synced is on its disk for the next
   * {@link start}; what it had only written may be lost.
   */
  async crash(): Promise<void> {
    await this.guest.end({ graceMs: 0 });
  }

  /** Ends QEMU and all that the run script started: asks, waits five seconds, forces. */
  async kill(): Promise<void> {
    await this.guest.end();
  }
}
