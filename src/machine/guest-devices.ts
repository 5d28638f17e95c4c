import { forwardPort, pressKeys, setLinks } from "../qemu/index.ts";
import { UsageError } from "../errors.ts";
import { GuestCommands } from "./guest-commands.ts";
import type { Monitor } from "./monitor.ts";
import { screenshotOf } from "./screenshot.ts";
import { portNumber } from "./subjects/named.ts";
import { typeText } from "./typing.ts";

/** What can be done to a guest from outside, through QEMU's monitor; names are those of the NixOS test driver. */
export abstract class GuestDevices extends GuestCommands {
  /** They end with their QEMU. */
  readonly #hostPorts = new WeakMap<Monitor, Map<number, Promise<number>>>();

  /**
   * What the guest's display shows, as a PNG image.
   * @throws GuestLostError
   */
  screenshot(): Promise<Uint8Array> {
    return screenshotOf(this.guest);
  }

  /** Presses keys of the guest's keyboard together, named as QEMU names them: `ret`, `ctrl-alt-delete`. @throws UsageError */
  async sendKey(keys: string): Promise<void> {
    const pressed = this.guest.monitor.order(`press ${keys}`, (qmp, deadline) =>
      pressKeys(qmp, keys, deadline),
    );
    await pressed.catch((error: unknown) => {
      const [, key] = /does not accept value '(.*?)'/.exec(String(error)) ?? [];
      if (key === undefined) throw error;
      throw new UsageError(`there is no key ${JSON.stringify(key)} in ${JSON.stringify(keys)}`, {
        cause: error,
        hint: "Keys have the names that QEMU gives them, joined by dashes: ret, spc, ctrl-alt-f2.",
      });
    });
  }

  /**
   * Types a text on the guest's keyboard, as one with the American layout has it; `\n` is the return key.
   * @throws UsageError for a character that such a keyboard does not have
   */
  async sendChars(text: string): Promise<void> {
    await typeText(this.guest.monitor, text);
  }

  /**
   * Gives QEMU's monitor a command line, as in `info block`; gives what it prints.
   * @throws GuestLostError
   */
  monitorCommand(line: string): Promise<string> {
    return this.guest.monitor.order(`give the monitor «${line}»`, async (qmp, deadline) => {
      const printed = await qmp.execute("human-monitor-command", {
        arguments: { "command-line": line },
        deadline,
      });
      return String(printed).replaceAll("\r\n", "\n");
    });
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
   * Opens a TCP port of the guest to this host alone; for the same port it is the same one each time, until the guest ends.
   * @returns a free port of the host's loopback address
   * @throws GuestLostError
   */
  async forward(port: number): Promise<number> {
    const { monitor } = this.guest;
    const hostPorts = this.#hostPorts.get(monitor) ?? new Map<number, Promise<number>>();
    this.#hostPorts.set(monitor, hostPorts);
    const known = hostPorts.get(portNumber(port));
    if (known !== undefined) return known;
    const opened = monitor.order(`forward port ${port}`, (qmp, deadline) =>
      forwardPort(qmp, port, deadline),
    );
    hostPorts.set(port, opened);
    try {
      return await opened;
    } catch (error) {
      hostPorts.delete(port);
      throw error;
    }
  }
}
