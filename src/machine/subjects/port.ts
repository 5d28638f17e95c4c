import type { ListeningSocket } from "../../guest/systemd.ts";
import { CommandFailedError } from "../command.ts";
import { accepts, listenersCommand, parseListeners } from "../listeners.ts";
import type { CommandRunner } from "../runner.ts";
import type { Expectation } from "../observe.ts";
import { quoteCommand } from "../shell.ts";

export interface PortOptions {
  /** @default "tcp" */
  readonly protocol?: ListeningSocket["protocol"];
  /** Counts only listeners that take connections to this address of the guest. @default any */
  readonly address?: string;
}

/** A port of the guest, read anew each time. */
export class Port {
  readonly number: number;
  readonly protocol: ListeningSocket["protocol"];
  readonly address: string | undefined;
  readonly #runner: CommandRunner;

  constructor(
    runner: CommandRunner,
    number: number,
    { protocol = "tcp", address }: PortOptions = {},
  ) {
    this.#runner = runner;
    this.number = number;
    this.protocol = protocol;
    this.address = address;
  }

  /** Who listens on the port now. */
  async listeners(): Promise<ListeningSocket[]> {
    return (await this.#all()).filter((listener) => listener.port === this.number);
  }

  async isListening(): Promise<boolean> {
    return (await this.listeners()).some((listener) => accepts(listener, this.address));
  }

  /** @internal */
  listening(): Expectation {
    return {
      runner: this.#runner,
      subject: this.toString(),
      wanted: "to be listening",
      observe: async () => {
        const all = await this.#all();
        const own = all.filter(({ port }) => port === this.number);
        if (own.some((listener) => accepts(listener, this.address))) {
          return {
            holds: true,
            saw: `is listened on (${own.map(({ address }) => address).join(", ")})`,
          };
        }
        if (own.length > 0) {
          return {
            holds: false,
            saw: `is listened on only at ${own.map(({ address }) => address).join(", ")}`,
          };
        }
        const others = [...new Set(all.map(({ port }) => port))].toSorted((a, b) => a - b);
        const rest = others.length > 0 ? `ports in use: ${others.join(", ")}` : "no port is in use";
        return { holds: false, saw: `nobody listens on it; ${this.protocol} ${rest}` };
      },
    };
  }

  /** A real connection from inside the guest, as `nc -z` would make it, without netcat. @internal */
  open(): Expectation {
    const address = this.address ?? "localhost";
    return {
      runner: this.#runner,
      subject: this.toString(),
      wanted: "to be open",
      observe: async () => {
        const knock = quoteCommand([
          "bash",
          "-c",
          '</dev/tcp/"$1"/"$2"',
          "bash",
          address,
          this.number,
        ]);
        const { exitCode, stderr } = await this.#runner.execute(`timeout 5 ${knock}`);
        if (exitCode === 0) return { holds: true, saw: "takes connections" };
        if (exitCode === 124) return { holds: false, saw: "does not answer within 5 s" };
        const reason = /: ([^:\n]+)\n*$/.exec(stderr)?.[1] ?? stderr.trim();
        return { holds: false, saw: `takes no connection (${reason})` };
      },
    };
  }

  async #all(): Promise<ListeningSocket[]> {
    const result = await this.#runner.execute(listenersCommand);
    if (result.failed) throw new CommandFailedError(this.#runner.name, result);
    return parseListeners(result.stdout).filter(({ protocol }) => protocol === this.protocol);
  }

  toString(): string {
    const where = this.address === undefined ? "" : ` at ${this.address}`;
    return `${this.protocol} port ${this.number}${where} of ${this.#runner.name}`;
  }
}
