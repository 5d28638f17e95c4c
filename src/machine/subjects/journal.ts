import { UsageError } from "../../errors.ts";
import { section } from "../command.ts";
import { matches, show } from "../compare.ts";
import {
  fieldText,
  parseJournalFields,
  unitOfEntry,
  type JournalFields,
} from "../journal-fields.ts";
import type { Expectation } from "../observe.ts";
import type { CommandRunner } from "../runner.ts";
import { textOrPattern } from "./named.ts";
import { Subject } from "./subject.ts";

/** Syslog's names, the gravest first. */
const priorities = ["emerg", "alert", "crit", "err", "warning", "notice", "info", "debug"] as const;

export type Priority = (typeof priorities)[number];

/** Which entries of the journal of this boot are meant. */
export interface JournalFilter {
  /** What a unit wrote, and what systemd wrote about it. */
  readonly unit?: string;
  /** That of the program, as `SYSLOG_IDENTIFIER` has it. */
  readonly identifier?: string;
  /** Those at least as grave as this. */
  readonly priority?: Priority;
  /** Those after a {@link Journal.mark}. @default from the boot on */
  readonly since?: string;
}

export interface JournalEntry {
  /** By the guest's clock, in milliseconds since 1970. */
  readonly timeMs: number;
  readonly priority: Priority;
  readonly identifier: string;
  readonly unit: string | undefined;
  readonly message: string;
}

const mostBytes = 64 * 1024 * 1024;

/** The guest's journal of this boot. */
export class Journal extends Subject {
  readonly kind = "journal";
  readonly filter: JournalFilter;

  constructor(runner: CommandRunner, filter: JournalFilter = {}) {
    super(runner);
    const { priority } = filter;
    if (priority !== undefined && !priorities.includes(priority)) {
      throw new UsageError(
        `a priority is one of ${priorities.join(", ")}, not ${JSON.stringify(priority)}`,
      );
    }
    this.filter = filter;
  }

  /** The entries so far, the oldest first. */
  async entries(): Promise<JournalEntry[]> {
    return (await this.#after(this.filter.since)).map(({ entry }) => entry);
  }

  /** Where the journal ends now, for `since`. */
  async mark(): Promise<string> {
    const text = await this.read("journalctl --boot --quiet --lines=0 --show-cursor --no-pager");
    return /^-- cursor: (.+)$/m.exec(text)?.[1] ?? "";
  }

  /** @internal */
  withEntry(expected: string | RegExp): Expectation {
    textOrPattern("an entry", expected);
    let cursor = this.filter.since;
    let count = 0;
    let found: string | undefined;
    return this.expecting(
      `to have an entry ${typeof expected === "string" ? `with ${show(expected)}` : `that matches ${show(expected)}`}`,
      async () => {
        // What was read before need not be read again.
        const added = found === undefined ? await this.#after(cursor) : [];
        cursor = added.at(-1)?.cursor ?? cursor;
        count += added.length;
        const isMeant = (message: string): boolean =>
          typeof expected === "string" ? message.includes(expected) : matches(message, expected);
        found ??= added.find(({ entry }) => isMeant(entry.message))?.entry.message;
        if (found !== undefined) return { holds: true, saw: `has the entry ${show(found)}` };
        const saw = count === 0 ? "it has no entry at all" : `no such one is among its ${count}`;
        return { holds: false, saw };
      },
      {
        evidence: async () => {
          const lines = (await this.entries()).map(
            ({ identifier, message }) => `${identifier}: ${message}`,
          );
          return section("the journal", lines.join("\n"));
        },
      },
    );
  }

  async #after(
    cursor: string | undefined,
  ): Promise<{ readonly cursor: string; readonly entry: JournalEntry }[]> {
    const { unit, identifier, priority } = this.filter;
    const text = await this.read(
      'journalctl --boot --quiet --no-pager --output=json --output-fields=MESSAGE,PRIORITY,SYSLOG_IDENTIFIER,_COMM,_SYSTEMD_UNIT,UNIT "$@"',
      [
        ...(unit === undefined ? [] : [`--unit=${unit}`]),
        ...(identifier === undefined ? [] : [`--identifier=${identifier}`]),
        ...(priority === undefined ? [] : [`--priority=${priority}`]),
        ...(cursor === undefined || cursor === "" ? [] : [`--cursor=${cursor}`]),
      ],
      { maxOutputBytes: mostBytes },
    );
    // With --after-cursor the first entry is lost where the one at the cursor does not pass the filter.
    const entries = parseJournalFields(text).map(entryOf);
    return entries.filter((entry) => entry.cursor !== cursor);
  }

  toString(): string {
    const { unit, identifier, priority } = this.filter;
    const parts = [
      ...(unit === undefined ? [] : [`of ${unit}`]),
      ...(identifier === undefined ? [] : [`of ${identifier}`]),
      ...(priority === undefined ? [] : [`from ${priority} up`]),
    ];
    return ["journal", ...parts, `of ${this.runner.name}`].join(" ");
  }
}

function entryOf(fields: JournalFields): { readonly cursor: string; readonly entry: JournalEntry } {
  return {
    cursor: fieldText(fields["__CURSOR"]),
    entry: {
      timeMs: Math.floor(Number(fields["__REALTIME_TIMESTAMP"]) / 1000),
      priority: priorities[Number(fields["PRIORITY"] ?? 6)] ?? "info",
      identifier: fieldText(fields["SYSLOG_IDENTIFIER"] ?? fields["_COMM"]),
      unit: unitOfEntry(fields),
      message: fieldText(fields["MESSAGE"]),
    },
  };
}
