import type { CommandRunner } from "../machine/runner.ts";
import { quoteCommand } from "../machine/shell.ts";
import type { CheckResult } from "./check.ts";
import { isUnitName } from "./failure-checks.ts";

const mostUnits = 6;
const evidenceTimeoutMs = 60_000;

/** Puts status and journal of the failed units below their checks, and the unmet conditions of those skipped. */
export async function addEvidence(
  guest: CommandRunner,
  results: readonly CheckResult[],
): Promise<CheckResult[]> {
  const ofUnits = results.filter(
    (result) => isUnitName(result.subject) && result.evidence === undefined,
  );
  const failed = ofUnits
    .filter(({ status }) => status === "failed")
    .slice(0, mostUnits)
    .map(({ subject }) => subject);
  const skipped = ofUnits
    .filter(({ status, detail }) => status === "skipped" && detail.includes("condition"))
    .map(({ subject }) => subject);
  if (failed.length + skipped.length === 0) return [...results];
  const { stdout } = await guest.execute(evidenceCommand(failed, skipped), {
    purpose: "read the journals of failed units",
    timeoutMs: evidenceTimeoutMs,
    maxOutputBytes: 256 * 1024,
  });
  const texts = new Map(
    stdout.split("\0").map((text) => {
      const end = text.indexOf("\n");
      return [text.slice(0, end), text.slice(end + 1)];
    }),
  );
  return results.map((result) => {
    const text = texts.get(result.subject);
    if (text === undefined) return result;
    if (result.status === "failed") return { ...result, evidence: evidenceLines(text) };
    const condition = unmetCondition(text);
    return condition === undefined
      ? result
      : { ...result, detail: `was not started: ${condition} is not met` };
  });
}

/** Parted by NUL, which neither a journal's text nor a unit's name contains. */
function evidenceCommand(failed: readonly string[], skipped: readonly string[]): string {
  const each = (units: readonly string[], commands: readonly string[]): string =>
    units.length === 0
      ? ""
      : `for unit in ${quoteCommand(units)}; do printf '\\0%s\\n' "$unit"; ${commands.join("; ")}; done`;
  const status = 'systemctl status --no-pager --full --lines=0 -- "$unit" || true';
  const journal =
    'journalctl --boot --unit="$unit" --lines=20 --no-pager --quiet --output=short-monotonic --no-hostname || true';
  return [each(failed, [status, "echo", journal]), each(skipped, [status])].join("\n");
}

function evidenceLines(text: string): string[] {
  const lines = text.split("\n").map((line) => line.trimEnd());
  return lines.filter((line, index) => line !== "" || (lines[index - 1] ?? "") !== "").slice(0, 60);
}

/** ` └─ ConditionPathExists=/etc/secret was not met`, as `systemctl status` shows it. */
function unmetCondition(status: string): string | undefined {
  return /((?:Condition|Assert)\w+=.*?) was not met/.exec(status)?.[1];
}
