import { Deadline } from "../../deadline.ts";
import { section } from "../command.ts";
import { didYouMean } from "../compare.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { rooted } from "./named.ts";
import { Subject } from "./subject.ts";

export interface SocketOptions {
  /** @default "stream" */
  readonly type?: "stream" | "datagram" | "seqpacket";
}

interface BoundSocket {
  readonly type: string;
  readonly accepts: boolean;
  readonly path: string;
}

// The kernel knows a socket by the path it was bound to, which may be another name of the same file.
const script = `
if [ -S "$1" ]; then echo socket; elif [ -e "$1" ]; then echo other; else echo absent; fi
target=$(readlink -f -- "$1"); name=\${target##*/}
while read -r _ _ _ flags type _ _ path; do
  [[ $path == /* ]] || continue
  if [[ \${path##*/} == "$name" && $path -ef $1 ]]; then echo "here $flags $type $path"
  else echo "elsewhere $flags $type $path"; fi
done </proc/net/unix`;

const types: Readonly<Record<string, string>> = {
  "0001": "stream",
  "0002": "datagram",
  "0005": "seqpacket",
};

/** A Unix domain socket of the guest, by its path. */
export class Socket extends Subject {
  readonly kind = "socket";
  readonly path: string;
  readonly type: "stream" | "datagram" | "seqpacket";

  constructor(runner: CommandRunner, path: string, { type = "stream" }: SocketOptions = {}) {
    super(runner);
    this.path = rooted("socket", path);
    this.type = type;
  }

  async isListening(): Promise<boolean> {
    return (await this.listening().observe(Deadline.after(0))).holds;
  }

  /** @internal */
  existing(): Expectation {
    return this.expecting("to exist", async () => {
      const { what } = await this.#look();
      return { holds: what === "socket", saw: whatSaw[what] };
    });
  }

  /** @internal */
  listening(): Expectation {
    return this.expecting(
      "to be listening",
      async () => {
        const { what, here, elsewhere } = await this.#look();
        if (what !== "socket") {
          const near = didYouMean(
            this.path,
            elsewhere.map(({ path }) => path),
          );
          return { holds: false, saw: whatSaw[what] + near };
        }
        const own = here.filter(({ type }) => type === this.type);
        // Datagrams are taken as soon as the socket is bound.
        if (own.some(({ accepts }) => accepts || this.type === "datagram")) {
          return { holds: true, saw: "is listened on" };
        }
        if (own.length > 0) return { holds: false, saw: "is bound, but takes no connections" };
        const others = here.map(({ type }) => type);
        return {
          holds: false,
          saw:
            others.length > 0
              ? `is a ${others.join(" and ")} socket`
              : "was left behind: nobody has it open",
        };
      },
      {
        evidence: async () => {
          const { elsewhere } = await this.#look();
          const listened = elsewhere.filter(({ accepts }) => accepts).map(({ path }) => path);
          return section("listened on", listened.toSorted().join("\n"));
        },
      },
    );
  }

  async #look(): Promise<{
    readonly what: "absent" | "other" | "socket";
    readonly here: readonly BoundSocket[];
    readonly elsewhere: readonly BoundSocket[];
  }> {
    const [what = "", ...lines] = (await this.read(script, [this.path])).trimEnd().split("\n");
    const sockets = lines.map((line) => {
      const [where, flags = "", type = "", ...path] = line.split(" ");
      return {
        where,
        type: types[type] ?? type,
        // __SO_ACCEPTCON
        accepts: (Number.parseInt(flags, 16) & 0x10000) !== 0,
        path: path.join(" "),
      };
    });
    return {
      what: what === "socket" || what === "other" ? what : "absent",
      here: sockets.filter(({ where }) => where === "here"),
      elsewhere: sockets.filter(({ where }) => where === "elsewhere"),
    };
  }

  toString(): string {
    return `${this.type} socket ${this.path} of ${this.runner.name}`;
  }
}

const whatSaw = {
  absent: "does not exist",
  other: "is something else than a socket",
  socket: "is a socket",
} as const;
