import { fieldText, parseJournalFields, unitOfEntry } from "../machine/journal-fields.ts";
import { quoteCommand } from "../machine/shell.ts";
import type { Manifest, ManifestUnit } from "../nix/index.ts";
import type { Check, Judgement } from "./check.ts";

export interface JournalEntry {
  /** The unit that wrote it, or that systemd wrote it about. */
  readonly unit: string | undefined;
  readonly message: string;
}

/** Every entry of this boot that its writer calls an error, and no more of it than can be shown. */
export const journalQuestion: string = quoteCommand([
  "journalctl",
  "--boot",
  "--priority=err",
  "--output=json",
  "--output-fields=MESSAGE,UNIT,_SYSTEMD_UNIT,_TRANSPORT",
  "--lines=300",
  "--quiet",
  "--no-pager",
]);

/** The entries in `journalctl --output=json`, without the kernel's. */
export function parseJournal(text: string): JournalEntry[] {
  return parseJournalFields(text)
    .filter((fields) => fields["_TRANSPORT"] !== "kernel")
    .map((fields) => ({ unit: unitOfEntry(fields), message: fieldText(fields["MESSAGE"]) }));
}

const shownLines = 15;

/** Errors that units of the machine's own configuration wrote fail; those of NixOS's own units are shown. */
export function journalCheck(manifest: Manifest): Check {
  return {
    name: "journal-errors",
    subject: "journal",
    source: "systemd.services",
    judge: ({ facts }) => judgeJournal(manifest, facts.journal),
  };
}

function judgeJournal(manifest: Manifest, entries: readonly JournalEntry[]): Judgement {
  const owned = entries.flatMap((entry) => {
    const unit = entry.unit === undefined ? undefined : findUnit(manifest.units, entry.unit);
    return unit === undefined || isOfHardware(entry) ? [] : [{ ...entry, owner: unit }];
  });
  const own = owned.filter(({ owner }) => owner.fromConfiguration);
  const shown = own.length > 0 ? own : owned;
  if (shown.length === 0) return { status: "passed", detail: "has no error of a unit" };
  const lines = countEqual(shown.map(({ unit, message }) => `${unit}: ${message.split("\n")[0]}`));
  const units = [...new Set(shown.map(({ unit }) => unit))].join(", ");
  const more = lines.length > shownLines ? [`… and ${lines.length - shownLines} more`] : [];
  return {
    status: own.length > 0 ? "failed" : "warning",
    detail: `has ${shown.length === 1 ? "an error" : `${shown.length} errors`} of ${units}`,
    evidence: [...lines.slice(0, shownLines), ...more],
  };
}

/** systemd-modules-load of a driver for what no QEMU has; the check of that module says so too. */
function isOfHardware({ message }: JournalEntry): boolean {
  return /^Failed to insert module '.*': (?:No such device|Operation not supported)$/.test(message);
}

/** Each line once, with how often it came. */
function countEqual(lines: readonly string[]): string[] {
  const counts = new Map<string, number>();
  for (const line of lines) counts.set(line, (counts.get(line) ?? 0) + 1);
  return [...counts].map(([line, count]) => (count === 1 ? line : `${line} (${count} times)`));
}

/** By its name, or as an instance of a template. */
function findUnit(units: readonly ManifestUnit[], name: string): ManifestUnit | undefined {
  const template = name.replace(/@.*(\.[a-z]+)$/, "@$1");
  return units.find((unit) => unit.name === name || (unit.isTemplate && unit.name === template));
}
