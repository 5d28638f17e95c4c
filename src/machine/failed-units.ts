/** Everything systemd counts as failed, in one listing that is the same since 2018. */
export const failedUnitsCommand: readonly string[] = [
  "systemctl",
  "list-units",
  "--failed",
  "--no-legend",
  "--no-pager",
  "--plain",
  "--full",
];

export function parseFailedUnits(text: string): string[] {
  return text.split("\n").flatMap((line) => /^\W*(\S+\.[a-z]+)\s/.exec(line)?.[1] ?? []);
}
