import type { Alarm } from "./alarms.ts";

const mostLines = 10;

/** Alarms as a reader wants them: what came again and again counted once, and no more than ten lines. */
export function alarmLines(alarms: readonly Alarm[]): string[] {
  const times = new Map<string, number>();
  for (const { name, line } of alarms) {
    const text = `${name}: ${line}`;
    times.set(text, (times.get(text) ?? 0) + 1);
  }
  const lines = [...times].map(([text, count]) =>
    count === 1 ? text : `${text} (${count} times)`,
  );
  const left = lines.length - mostLines;
  return left <= 0 ? lines : [...lines.slice(0, mostLines), `and ${left} more`];
}
