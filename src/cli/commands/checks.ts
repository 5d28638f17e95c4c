import {
  checkNames,
  findWaiver,
  hasExpired,
  planChecks,
  waiversOf,
  type Check,
  type Waiver,
} from "../../checks/index.ts";
import { findMachine, originalOf } from "../../nix/index.ts";
import { cleanLine, renderTable } from "../../report/index.ts";
import type { Context } from "../context.ts";
import { columnsOf, writeLines } from "../io.ts";
import { createStopwatch, evaluate } from "../pipeline.ts";

/** Prints what `smoke` would check of a machine, and which option each check comes from; nothing is built or booted. */
export async function checks(reference: string | undefined, context: Context): Promise<number> {
  const { io, settings, progress } = context;
  const source = await findMachine(reference, settings.nix);
  const { manifest } = await evaluate(source, createStopwatch(source.name, context), context);
  const { off, budgets, waivers } = settings.of(source.name).checks;
  const plan = planChecks({ manifest, off, budgets });
  const inForce = waiversOf(source.name, waivers, plan);
  progress.done(source.name);
  if (settings.json) {
    const listed = plan.map((check) => describe(check, inForce));
    io.stdout.write(`${JSON.stringify({ machine: source.name, off, checks: listed })}\n`);
    return 0;
  }
  writeLines(io.stdout, renderPlan(plan, inForce, context));
  return 0;
}

function renderPlan(
  plan: readonly Check[],
  waivers: readonly Waiver[],
  { io, settings, palettes }: Context,
): string[] {
  const palette = palettes.stdout;
  const shown = plan.filter(({ builtIn }) => settings.verbose || builtIn !== true);
  const rows = shown.map((check) => [
    check.name,
    cleanLine(check.subject),
    palette.dim(cleanLine(whereFrom(check, io.cwd))) + waiverNote(check, waivers),
  ]);
  const hidden = plan.length - shown.length;
  return [
    ...renderTable(rows, { columns: columnsOf(io.stdout) }),
    "",
    `${plan.length} checks${hidden === 0 ? "" : `, ${hidden} of them of what NixOS itself brings (--verbose shows them)`}`,
  ];
}

function whereFrom({ source, file }: Check, cwd: string): string {
  if (file === undefined) return source;
  return `${source} in ${originalOf(file, cwd) ?? file.replace(`${cwd}/`, "")}`;
}

function waiverNote(check: Check, waivers: readonly Waiver[]): string {
  const waiver = findWaiver(waivers, check);
  if (waiver === undefined) return "";
  const { until, reason } = waiver;
  return hasExpired(waiver)
    ? ` (waiver ended ${until} and fails: ${reason})`
    : ` (waived until ${until}: ${reason})`;
}

function describe(check: Check, waivers: readonly Waiver[]): object {
  const { name, subject, source, file, builtIn = false } = check;
  const waiver = findWaiver(waivers, check);
  return {
    name,
    subject,
    asserts: checkNames[name],
    source,
    ...(file === undefined ? {} : { file }),
    builtIn,
    ...(waiver === undefined ? {} : { waiver: describeWaiver(waiver) }),
  };
}

function describeWaiver(waiver: Waiver): object {
  const { reason, until } = waiver;
  return { reason, until, expired: hasExpired(waiver) };
}
