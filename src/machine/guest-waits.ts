import { Deadline } from "../deadline.ts";
import type { CommandResult } from "./command.ts";
import type { WaitOptions } from "./guest-commands.ts";
import { GuestSubjects } from "./guest-subjects.ts";
import {
  machineConsole,
  type ConsoleExpectOptions,
  type MachineConsole,
} from "./machine-console.ts";
import { ExpectationError, waitFor } from "./observe.ts";
import { waitForEnd } from "./power.ts";
import { askSystemd } from "./systemctl.ts";
import type { SocketOptions } from "./subjects/socket.ts";
import type { UnitOptions } from "./subjects/unit.ts";
import { virtualConsole, type VirtualConsole } from "./virtual-console.ts";

/** Waits and questions that have the names and the meaning that users of the NixOS test driver know. */
export abstract class GuestWaits extends GuestSubjects {
  /** The serial console. */
  get console(): MachineConsole {
    return machineConsole(this.guest, this);
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
    await waitFor(this.unit(name, ofUser(user)).active(), this.patience(options));
  }

  /** Waits until a TCP connection from inside the guest comes about. @throws ExpectationError */
  async waitForOpenPort(
    port: number,
    { address = "localhost", ...options }: WaitOptions & { readonly address?: string } = {},
  ): Promise<void> {
    await waitFor(this.port(port, { address }).open(), this.patience(options));
  }

  /** Waits until no TCP connection from inside the guest comes about any more. @throws ExpectationError */
  async waitForClosedPort(
    port: number,
    { address = "localhost", ...options }: WaitOptions & { readonly address?: string } = {},
  ): Promise<void> {
    await waitFor(this.port(port, { address }).open(), { ...this.patience(options), holds: false });
  }

  /** Waits until somebody has a Unix domain socket open there. @throws ExpectationError */
  async waitForOpenUnixSocket(
    path: string,
    { type, ...options }: WaitOptions & SocketOptions = {},
  ): Promise<void> {
    const socket = this.socket(path, type === undefined ? {} : { type });
    await waitFor(socket.listening(), this.patience(options));
  }

  /** Waits until something is at a path. @throws ExpectationError */
  async waitForFile(path: string, options?: WaitOptions): Promise<void> {
    await waitFor(this.file(path).existing(), this.patience(options));
  }

  /**
   * Waits for a text or a pattern on the console, from its start or from a mark on; a pattern may span lines, and
   * nothing is taken away from the next wait.
   * @throws ConsoleTimeoutError
   */
  async waitForConsoleText(text: string | RegExp, options?: ConsoleExpectOptions): Promise<void> {
    await this.console.expect(text, options);
  }

  /** All of the serial console so far, as plain text. */
  consoleText(): string {
    return this.console.transcript();
  }

  /**
   * Waits until the guest has switched itself off, and starts nothing.
   * @throws ExpectationError at the limit; GuestLostError where QEMU has ended in another way
   */
  async waitForShutdown(options?: WaitOptions): Promise<void> {
    await waitForEnd(this.guest, Deadline.after(this.patience(options).timeoutMs));
  }

  /** A text console of the guest's display, `tty1` by its number. */
  tty(number: number): VirtualConsole {
    return virtualConsole(this, number);
  }

  /** Waits for a text or a pattern on a text console of the display. @throws ExpectationError */
  async waitUntilTtyMatches(
    number: number,
    text: string | RegExp,
    options?: WaitOptions,
  ): Promise<void> {
    await waitFor(this.tty(number).showing(text), this.patience(options));
  }

  /** Runs `systemctl` with these words, for the system or for a user; an exit code is no error. */
  systemctl(words: readonly string[], options: UnitOptions = {}): Promise<CommandResult> {
    return askSystemd(this, 'systemctl "$@"', words, options);
  }

  /** Starts a unit and waits until it has started; an exit code is no error. */
  startJob(name: string, options?: UnitOptions): Promise<CommandResult> {
    return this.systemctl(["start", "--", this.unit(name).name], options);
  }

  /** Stops a unit and waits until it has stopped; an exit code is no error. */
  stopJob(name: string, options?: UnitOptions): Promise<CommandResult> {
    return this.systemctl(["stop", "--", this.unit(name).name], options);
  }

  /** Every property of a unit by name, as `systemctl show` prints them. @throws CommandFailedError */
  getUnitInfo(name: string, options?: UnitOptions): Promise<Readonly<Record<string, string>>> {
    return this.unit(name, options).properties();
  }

  /** One property of a unit. @throws ExpectationError where units have no such property */
  async getUnitProperty(name: string, property: string, options?: UnitOptions): Promise<string> {
    const unit = this.unit(name, options);
    const value = (await unit.properties())[property];
    if (value !== undefined) return value;
    throw new ExpectationError(`${unit} has no property ${property}`, "ASSERTION", []);
  }

  /** Looks once whether a unit is in a state of systemd: `active`, `inactive`, `failed` … @throws ExpectationError */
  async requireUnitState(name: string, state = "active", options?: UnitOptions): Promise<void> {
    await waitFor(this.unit(name, options).inState(state), { timeoutMs: 0 });
  }
}

function ofUser(user: string | undefined): UnitOptions {
  return user === undefined ? {} : { user };
}
