import type { ListeningSocket } from "../../guest/systemd.ts";
import { formatMs } from "../../deadline.ts";
import { UsageError } from "../../errors.ts";
import { section } from "../command.ts";
import { accepts, listenersCommand, parseListeners } from "../listeners.ts";
import { listeningPrograms } from "../listening-programs.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { portNumber } from "./named.ts";
import { Subject } from "./subject.ts";

export interface PortOptions {
  /** @default "tcp" */
  readonly protocol?: ListeningSocket["protocol"];
  /** Counts only listeners that take connections to this address of the guest. @default any */
  readonly address?: string;
}

const knockMs = 5_000;
const knockScript = 'timeout "$3" bash -c \'</dev/tcp/"$1"/"$2"\' bash "$1" "$2"';

// Without ss, which is not in every image, TCP tells by a connection; of UDP the default is taken for granted.
const takesIpv4Script = `
if sockets=$(ss -H -6 -lne "--$3" "sport = :$2" 2>/dev/null); then
  grep -qv 'v6only:1' <<<"$sockets"
elif [ "$3" = tcp ]; then
  timeout 5 bash -c '</dev/tcp/"$1"/"$2"' bash "$1" "$2" 2>/dev/null
fi`;

/** A port of the guest, read anew each time. */
export class Port extends Subject {
  readonly kind = "port";
  readonly number: number;
  readonly protocol: ListeningSocket["protocol"];
  readonly address: string | undefined;

  constructor(
    runner: CommandRunner,
    number: number,
    { protocol = "tcp", address }: PortOptions = {},
  ) {
    super(runner);
    this.number = portNumber(number);
    this.protocol = protocol;
    this.address = address;
  }

  /** Who listens on the port now. */
  async listeners(): Promise<ListeningSocket[]> {
    return (await this.#all()).filter((listener) => listener.port === this.number);
  }

  async isListening(): Promise<boolean> {
    return this.#reaches(await this.listeners());
  }

  /** @internal */
  listening(): Expectation {
    return this.expecting(
      "to be listening",
      async () => {
        const all = await this.#all();
        const own = all.filter(({ port }) => port === this.number);
        const addresses = own.map(({ address }) => address).join(", ");
        if (await this.#reaches(own)) {
          return { holds: true, saw: `is listened on (${addresses})` };
        }
        if (own.length > 0) return { holds: false, saw: `is listened on only at ${addresses}` };
        const others = [...new Set(all.map(({ port }) => port))].toSorted((a, b) => a - b);
        const rest = others.length > 0 ? `ports in use: ${others.join(", ")}` : "no port is in use";
        return { holds: false, saw: `nobody listens on it; ${this.protocol} ${rest}` };
      },
      { evidence: () => this.#programs() },
    );
  }

  /** A real connection from inside the guest, as `nc -z` would make it, without netcat. @internal */
  open(): Expectation {
    if (this.protocol !== "tcp") {
      throw new UsageError(`${this} cannot be open: only TCP has connections; see toBeListening`);
    }
    const address = this.address ?? "localhost";
    return this.expecting(
      "to be open",
      async ({ remainingMs }) => {
        const limitMs = Math.min(knockMs, remainingMs);
        const args = [address, this.number, limitMs / 1000];
        const { exitCode, stderr } = await this.ask(knockScript, args);
        if (exitCode === 0) return { holds: true, saw: "takes connections" };
        if (exitCode === 124)
          return { holds: false, saw: `does not answer within ${formatMs(limitMs)}` };
        const reason = /: ([^:\n]+)\n*$/.exec(stderr)?.[1] ?? stderr.trim();
        return { holds: false, saw: `takes no connection (${reason})` };
      },
      { evidence: () => this.#programs() },
    );
  }

  async #reaches(listeners: readonly ListeningSocket[]): Promise<boolean> {
    const answers = listeners.map((listener) => accepts(listener, this.address));
    if (!answers.includes("perhaps") || answers.includes(true)) return answers.includes(true);
    const args = [this.address ?? "", this.number, this.protocol];
    return !(await this.ask(takesIpv4Script, args)).failed;
  }

  /** What listens, be it elsewhere. */
  async #programs(): Promise<string[]> {
    return section("listening", (await listeningPrograms(this.runner)).join("\n"), 40);
  }

  async #all(): Promise<ListeningSocket[]> {
    const listeners = parseListeners(await this.read(listenersCommand));
    return listeners.filter(({ protocol }) => protocol === this.protocol);
  }

  toString(): string {
    const where = this.address === undefined ? "" : ` at ${this.address}`;
    return `${this.protocol} port ${this.number}${where} of ${this.runner.name}`;
  }
}
