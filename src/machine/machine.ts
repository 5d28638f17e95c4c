import { join } from "node:path";
import { Deadline } from "../deadline.ts";
import { forwardPort, pressKeys, setLinks, takeScreenshot } from "../qemu/index.ts";
import { bootTimeCommand, parseBootTime, type BootTime } from "./boot-time.ts";
import type { Phase } from "./boot-phases.ts";
import { collectEvidence, type Evidence } from "./evidence.ts";
import { failedUnitsCommand, parseFailedUnits } from "./failed-units.ts";
import { GuestCommands, type WaitOptions } from "./guest-commands.ts";
import { bootGuest, type RunningGuest, type StartOptions } from "./guest.ts";
import {
  machineConsole,
  type ConsoleExpectOptions,
  type MachineConsole,
} from "./machine-console.ts";
import { waitFor } from "./observe.ts";
import { rebootGuest, shutDownGuest, waitForEnd } from "./power.ts";
import { File } from "./subjects/file.ts";
import { Http, type HttpOptions } from "./subjects/http.ts";
import { Port, type PortOptions } from "./subjects/port.ts";
import { Unit, type UnitOptions } from "./subjects/unit.ts";

/**
 * A guest that is running. Every method that talks to it throws GuestLostError, with the guest's first failure as
 * the cause, once the guest is lost.
 */
export class Machine extends GuestCommands implements AsyncDisposable {
  private constructor(guest: RunningGuest) {
    super(guest);
  }

  /**
   * Boots a guest through its run script and logs in; what fails to start leaves no process behind.
   * @throws GuestLostError where the guest does not reach its shell
   */
  static async start(options: StartOptions): Promise<Machine> {
    return new Machine(await bootGuest(options));
  }

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
    const { channel, laneRefusal: reason } = this.guest;
    return { kind: channel.kind, ...(reason === undefined ? {} : { reason }) };
  }

  /** Private directory of this guest on the host, with its disk image and `console.log`. */
  get runDirectory(): string {
    return this.guest.directory.path;
  }

  /** How long dryboot waited for each part of the boot. */
  get phases(): readonly Phase[] {
    return this.guest.phases;
  }

  get console(): MachineConsole {
    return machineConsole(this.guest.console, this);
  }

  unit(name: string, options?: UnitOptions): Unit {
    return new Unit(this, name, options);
  }

  port(number: number, options?: PortOptions): Port {
    return new Port(this, number, options);
  }

  file(path: string): File {
    return new File(this, path);
  }

  /** A URL as the guest itself reaches it. */
  http(url: string, options?: HttpOptions): Http {
    return new Http(this, url, options);
  }

  /**
   * Waits until a unit is active, or a oneshot has ended well; a unit that failed, that restarts for ever or that
   * nothing will start ends the wait at once, with its status and journal.
   * @throws ExpectationError
   */
  async waitForUnit(
    name: string,
    { user, ...options }: WaitOptions & UnitOptions = {},
  ): Promise<void> {
    await waitFor(
      this.unit(name, user === undefined ? {} : { user }).active(),
      this.patience(options),
    );
  }

  /** Waits until a TCP connection from inside the guest comes about. @throws ExpectationError */
  async waitForOpenPort(
    port: number,
    { address = "localhost", ...options }: WaitOptions & { readonly address?: string } = {},
  ): Promise<void> {
    await waitFor(this.port(port, { address }).open(), this.patience(options));
  }

  /** @throws ExpectationError */
  async waitForClosedPort(
    port: number,
    { address = "localhost", ...options }: WaitOptions & { readonly address?: string } = {},
  ): Promise<void> {
    await waitFor(this.port(port, { address }).open(), {
      ...this.patience(options),
      holds: false,
    });
  }

  /** @throws ExpectationError */
  async waitForFile(path: string, options?: WaitOptions): Promise<void> {
    await waitFor(this.file(path).existing(), this.patience(options));
  }

  /** Waits for a text on the console, from its start or from a mark on. @throws ConsoleTimeoutError */
  async waitForConsoleText(text: string | RegExp, options?: ConsoleExpectOptions): Promise<void> {
    await this.console.expect(text, options);
  }

  /** Waits until the guest has switched itself off, and starts nothing. @throws ExpectationError */
  async waitForShutdown(options?: WaitOptions): Promise<void> {
    await waitForEnd(this.guest, Deadline.after(this.patience(options).timeoutMs));
  }

  /** Where `/run/current-system` points to. */
  async currentSystem(): Promise<string> {
    return (await this.run(["readlink", "-n", "-f", "/run/current-system"])).stdout;
  }

  /** Names of the units that systemd counts as failed now. */
  async failedUnits(): Promise<string[]> {
    return parseFailedUnits((await this.run(failedUnitsCommand)).stdout);
  }

  /** The boot by the guest's own clock; {@link phases} has it by the host's. */
  async bootTime(): Promise<BootTime> {
    return parseBootTime((await this.run(bootTimeCommand)).stdout);
  }

  /** Boots the guest again; proved by a new boot id. @throws GuestLostError, ExpectationError */
  async reboot(options?: WaitOptions): Promise<void> {
    await rebootGuest(this.guest, Deadline.after(this.patience(options).timeoutMs));
  }

  /** Has the guest switch itself off, and waits for the end of QEMU. @throws ExpectationError */
  async shutdown(options?: WaitOptions): Promise<void> {
    await shutDownGuest(this.guest, Deadline.after(this.patience(options).timeoutMs));
  }

  /** Pulls the plug: the guest gets no chance to write anything more. */
  async crash(): Promise<void> {
    await this.guest.end({ graceMs: 0 });
  }

  /** Ends QEMU and all that the run script started: asks, waits five seconds, forces. */
  async kill(): Promise<void> {
    await this.guest.end();
  }

  /**
   * What the guest's display shows, as a PNG image.
   * @throws GuestLostError
   */
  screenshot(): Promise<Uint8Array> {
    const file = join(this.runDirectory, "screen.ppm");
    return this.guest.monitor.order("take a screenshot", (qmp, deadline) =>
      takeScreenshot(qmp, { file, deadline }),
    );
  }

  /** Presses keys of the guest's keyboard together, named as QEMU names them: `ret`, `ctrl-alt-delete`. */
  async sendKey(keys: string): Promise<void> {
    await this.guest.monitor.order(`press ${keys}`, (qmp, deadline) =>
      pressKeys(qmp, keys, deadline),
    );
  }

  /** Pulls the guest's network cables. @throws GuestLostError */
  async block(): Promise<void> {
    await this.guest.monitor.order("block the network", (qmp, deadline) =>
      setLinks(qmp, false, deadline),
    );
  }

  /** Puts the guest's network cables back. @throws GuestLostError */
  async unblock(): Promise<void> {
    await this.guest.monitor.order("unblock the network", (qmp, deadline) =>
      setLinks(qmp, true, deadline),
    );
  }

  /**
   * Opens a TCP port of the guest to this host alone.
   * @returns a free port of the host's loopback address
   * @throws GuestLostError
   */
  forward(port: number): Promise<number> {
    return this.guest.monitor.order(`forward port ${port}`, (qmp, deadline) =>
      forwardPort(qmp, port, deadline),
    );
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
