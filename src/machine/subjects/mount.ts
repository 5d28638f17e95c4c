import { parseProperties, type Properties } from "../../guest/systemd.ts";
import { didYouMean, enumerate, missingFrom } from "../compare.ts";
import type { Expectation, Observation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { unitEvidence } from "../unit-evidence.ts";
import { rooted } from "./named.ts";
import { Subject } from "./subject.ts";

export interface MountEntry {
  readonly fsType: string;
  readonly source: string;
  /** Of the mount and of the file system below it: `rw`, `nosuid`, `size=4096k` … */
  readonly options: readonly string[];
}

/** What `toBeMounted` compares; what is left out may be anything. */
export interface ExpectedMount {
  readonly fsType?: string;
  /** A device under any of its names, `LABEL=…`, `UUID=…`, or what else the file system is made from. */
  readonly source?: string;
  /** Those that must be among its options. */
  readonly options?: readonly string[];
}

const script = `
cat /proc/self/mountinfo; echo =
case $1 in
  LABEL=*) readlink -f -- "/dev/disk/by-label/\${1#*=}" ;;
  UUID=*) readlink -f -- "/dev/disk/by-uuid/\${1#*=}" ;;
  PARTLABEL=*) readlink -f -- "/dev/disk/by-partlabel/\${1#*=}" ;;
  PARTUUID=*) readlink -f -- "/dev/disk/by-partuuid/\${1#*=}" ;;
  /*) readlink -f -- "$1" ;;
esac || true
echo =
[[ $(</proc/self/mountinfo) == *" $2 "* ]] ||
  systemctl show --property=Id,ActiveState,Result -- "$(systemd-escape --path --suffix=mount -- "$2")" || true`;

/** A mount point of the guest. */
export class Mount extends Subject {
  readonly kind = "mount";
  readonly path: string;

  constructor(runner: CommandRunner, path: string) {
    super(runner);
    this.path = rooted("mount point", path) === "/" ? path : path.replace(/\/+$/, "");
  }

  /** What is mounted there now; `undefined` where nothing is. */
  async entry(): Promise<MountEntry | undefined> {
    return (await this.#look()).entry;
  }

  /** @internal */
  mounted(expected: ExpectedMount = {}): Expectation {
    const observe = async (): Promise<Observation> => {
      const { entry, source, others, unit } = await this.#look(expected.source);
      if (entry === undefined) {
        if (unit.get("ActiveState") === "failed") {
          const saw = `${unit.get("Id")} has failed (${unit.get("Result")})`;
          return { holds: false, saw, hopeless: true };
        }
        const where = didYouMean(this.path, others) || `; mounted are ${enumerate(others, 20)}`;
        return { holds: false, saw: `nothing is mounted there${where}` };
      }
      if (entry.fsType === "autofs" && expected.fsType !== "autofs") {
        return { holds: false, saw: "is only going to be mounted at its first use (autofs)" };
      }
      const differences = [
        ...(expected.fsType === undefined || expected.fsType === entry.fsType
          ? []
          : [`is mounted as ${entry.fsType}`]),
        ...(expected.source === undefined || [expected.source, source].includes(entry.source)
          ? []
          : [`is made from ${entry.source}`]),
        ...(missingFrom(entry.options, expected.options ?? []).length === 0
          ? []
          : [`has the options ${enumerate(entry.options, 20)}`]),
      ];
      return differences.length > 0
        ? { holds: false, saw: differences.join("; ") }
        : { holds: true, saw: `is mounted (${entry.fsType} from ${entry.source})` };
    };
    return this.expecting(`to be mounted${describe(expected)}`, observe, {
      failureCode: "UNIT_FAILED",
      evidence: async () => {
        const name = (await this.#look()).unit.get("Id");
        return name === undefined ? [] : unitEvidence(this.runner, { name, user: undefined });
      },
    });
  }

  async #look(source = ""): Promise<{
    readonly entry: MountEntry | undefined;
    readonly source: string;
    readonly others: readonly string[];
    /** Of the unit that would mount it, where nothing is mounted. */
    readonly unit: Properties;
  }> {
    const text = await this.read(script, [source, this.path]);
    const [table = "", device = "", unit = ""] = text.split(/^=$/m);
    const mounts = parseMounts(table);
    return {
      // A later one lies over an earlier one.
      entry: mounts.findLast(({ path }) => path === this.path),
      source: device.trim(),
      unit: parseProperties(unit),
      others: mounts
        .map(({ path }) => path)
        .filter((path) => !/^\/(?:proc|sys|dev|run)\//.test(path)),
    };
  }

  toString(): string {
    return `mount ${this.path} of ${this.runner.name}`;
  }
}

/** `/proc/self/mountinfo`, in the order in which things were mounted. */
export function parseMounts(text: string): (MountEntry & { readonly path: string })[] {
  return text.split("\n").flatMap((line) => {
    const [front = "", back] = line.split(" - ");
    if (back === undefined) return [];
    const [, , , , path = "", options = ""] = front.split(" ");
    const [fsType = "", source = "", superOptions = ""] = back.split(" ");
    // Whether it can be written to is the mount's to say where the two differ.
    const own = options.split(",");
    const below = superOptions.split(",").filter((option) => !/^r[wo]$/.test(option));
    return [
      {
        path: unescape(path),
        fsType,
        source: unescape(source),
        options: [...own, ...below.map(unescape)],
      },
    ];
  });
}

/** The kernel writes blanks and backslashes of a name as octal numbers. */
function unescape(text: string): string {
  return text.replace(/\\([0-7]{3})/g, (_, code: string) =>
    String.fromCharCode(Number.parseInt(code, 8)),
  );
}

function describe({ fsType, source, options = [] }: ExpectedMount): string {
  const parts = [
    ...(fsType === undefined ? [] : [` as ${fsType}`]),
    ...(source === undefined ? [] : [` from ${source}`]),
    ...(options.length === 0 ? [] : [` with ${options.join(",")}`]),
  ];
  return parts.join("");
}
