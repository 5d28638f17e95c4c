import {
  forwardPort,
  plugCard,
  pressKeys,
  setLinks,
  unplugCard,
  type NetworkCard,
  type QmpEvent,
} from "../qemu/index.ts";
import { Deadline, formatMs } from "../deadline.ts";
import { UsageError } from "../errors.ts";
import { GuestCommands, type WaitOptions } from "./guest-commands.ts";
import { refusable, type Monitor } from "./monitor.ts";
import { ExpectationError } from "./observe.ts";
import { screenshotOf } from "./screenshot.ts";
import { portNumber } from "./subjects/named.ts";
import { typeText } from "./typing.ts";

/** What can be done to a guest from outside, through QEMU's monitor; names are those of the NixOS test driver. */
export abstract class GuestDevices extends GuestCommands {
  /** They end with their QEMU. */
  readonly #hostPorts = new WeakMap<Monitor, Map<number, Promise<number>>>();
  readonly #cards = new WeakMap<Monitor, ReadonlySet<string>>();

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

  /**
   * Gives QEMU a command of QMP, as in `qmp("set_link", { name: "net0", up: false })`; gives what it returns.
   * https://www.qemu.org/docs/master/interop/qemu-qmp-ref.html
   * @throws UsageError where QEMU refuses it; GuestLostError
   */
  qmp(command: string, args: Readonly<Record<string, unknown>> = {}): Promise<unknown> {
    return refusable(`${this.name}: QEMU does not ${command}`, () =>
      this.guest.monitor.order(`give QEMU the command ${command}`, (qmp, deadline) =>
        qmp.execute(command, { arguments: args, deadline }),
      ),
    );
  }

  /**
   * Waits for the next event of QEMU that has one of these names, as in `STOP`, or that the function finds, and
   * that QEMU tells of after this call.
   * @throws ExpectationError at the limit; GuestLostError; what the function throws
   */
  async waitForQmpEvent(
    wanted: string | readonly string[] | ((event: QmpEvent) => boolean),
    options?: WaitOptions,
  ): Promise<QmpEvent> {
    const names = typeof wanted === "function" ? [] : [wanted].flat();
    const isWanted =
      typeof wanted === "function" ? wanted : ({ name }: QmpEvent) => names.includes(name);
    const deadline = Deadline.after(this.patience(options).timeoutMs);
    const text = names.join(" or ") || "the event that is waited for";
    const event = await this.guest.monitor.order(`wait for ${text} of QEMU`, (qmp) =>
      qmp.event(isWanted, deadline),
    );
    if (event !== undefined) return event;
    throw new ExpectationError(
      `QEMU of ${this.name} was expected to tell of ${text}, but did not within ${formatMs(deadline.totalMs)}`,
      "WAIT_TIMEOUT",
      [],
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

  /** Nothing is done where the guest has the card. @throws UsageError where QEMU refuses; GuestLostError @internal */
  async plugCard(card: NetworkCard): Promise<void> {
    const { monitor } = this.guest;
    if (this.#cards.get(monitor)?.has(card.id) === true) return;
    await refusable(
      `${this.name} cannot be connected to a network`,
      () =>
        monitor.order("plug a network card in", (qmp, deadline) => plugCard(qmp, card, deadline)),
      "A card is plugged in while the guest runs: that takes QEMU 7.2 or newer, and a machine type whose cards can be.",
    );
    this.#cards.set(monitor, new Set([...(this.#cards.get(monitor) ?? []), card.id]));
  }

  /** @throws GuestLostError where the guest holds it @internal */
  async unplugCard(id: string): Promise<void> {
    const { monitor } = this.guest;
    await monitor.order("unplug a network card", (qmp, deadline) => unplugCard(qmp, id, deadline));
    const others = [...(this.#cards.get(monitor) ?? [])].filter((each) => each !== id);
    this.#cards.set(monitor, new Set(others));
  }

  protected get hasPluggedCards(): boolean {
    return (this.#cards.get(this.guest.monitor)?.size ?? 0) > 0;
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
