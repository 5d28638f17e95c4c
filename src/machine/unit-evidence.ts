// What explains to a reader why a unit is as it is.
import { section } from "./command.ts";
import { didYouMean } from "./compare.ts";
import type { CommandRunner } from "./runner.ts";
import { readSystemd } from "./systemctl.ts";

/** Which unit, of which systemd. */
export interface UnitReference {
  readonly name: string;
  readonly user: string | undefined;
}

const status = 'systemctl status --full --lines=0 -- "$1" 2>&1 || true';

/** Bash text about a unit, which is its `$1`. @throws CommandFailedError */
export function readUnit(
  runner: CommandRunner,
  { name, user }: UnitReference,
  script: string,
): Promise<string> {
  const purpose = `ask systemd about ${name}`;
  return readSystemd(runner, script, [name], user === undefined ? { purpose } : { user, purpose });
}

export function unitStatus(runner: CommandRunner, unit: UnitReference): Promise<string> {
  return readUnit(runner, unit, status);
}

/** Its last lines in the journal of this boot. */
export async function unitJournal(
  runner: CommandRunner,
  { name, user }: UnitReference,
  lines: number,
): Promise<string> {
  const read = (words: string, ...args: string[]): Promise<string> =>
    readSystemd(runner, `journalctl --boot --no-pager --quiet ${words}`, args);
  if (user === undefined) return read('--lines="$1" --unit="$2"', String(lines), name);
  const ofUser = '--lines="$1" --user-unit="$2" _UID="$(id -u -- "$3")"';
  return read(ofUser, String(lines), name, user);
}

/** Its status and journal, and what systemd has still to do. */
export async function unitEvidence(runner: CommandRunner, unit: UnitReference): Promise<string[]> {
  const script = `${status}; echo =; systemctl list-jobs --no-legend --full || true`;
  const [text = "", jobs = ""] = (await readUnit(runner, unit, script)).split(/^=$/m);
  return [
    ...section("status", text),
    ...section("journal", await unitJournal(runner, unit, 20)),
    ...(isIdle(jobs) ? [] : section("jobs of systemd", jobs.trim())),
  ];
}

/** What `systemctl list-jobs` prints when there is none. */
function isIdle(jobs: string): boolean {
  return /^\s*(?:No jobs.*)?\s*$/.test(jobs);
}

const names = `
systemctl list-units --all --no-legend --plain --full || true
systemctl list-unit-files --no-legend || true
[ ! -e "/etc/systemd/user/$1" ] || echo "=user"`;

/** `; did you mean nginx.service?` for a unit that does not exist. */
export async function nearestUnits(runner: CommandRunner, unit: UnitReference): Promise<string> {
  const text = await readUnit(runner, unit, names);
  if (unit.user === undefined && /^=user$/m.test(text)) {
    return `; users have such a unit: unit(${JSON.stringify(unit.name)}, { user })`;
  }
  const all = [...text.matchAll(/^\W*(\S+\.[a-z]+)\s/gm)].map(([, name = ""]) => name);
  return didYouMean(unit.name, [...new Set(all)]);
}
