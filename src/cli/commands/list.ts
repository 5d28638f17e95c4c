import { listMachines, type MachineSource } from "../../nix/index.ts";
import { renderTable } from "../../report/index.ts";
import type { Context } from "../context.ts";
import { columnsOf, writeLines } from "../io.ts";
import { lastResult, type LastResult } from "../last-results.ts";

/** Prints the machines that can be called by name, and where each comes from. */
export async function list({ io, settings, progress }: Context): Promise<number> {
  const machines = await listMachines(settings.nix);
  const listed = await Promise.all(
    machines.map(async (machine) => ({ machine, last: await lastResult(machine, io) })),
  );
  if (settings.json) {
    writeLines(
      io.stdout,
      listed.map(({ machine, last }) => JSON.stringify({ ...machine, last })),
    );
    return 0;
  }
  if (machines.length === 0) {
    const { machinesDirectory = "machines" } = settings.nix;
    const directory = machinesDirectory.replace(`${io.cwd}/`, "");
    progress.note(`no machines here: put a configuration into ${directory}/NAME.nix`);
  }
  const rows = listed.map(({ machine, last }) => [
    machine.name,
    originOf(machine, io.cwd),
    last === undefined ? "" : describeLast(machine, last),
  ]);
  writeLines(io.stdout, renderTable(rows, { columns: columnsOf(io.stdout) }));
  return 0;
}

function describeLast({ name }: MachineSource, last: LastResult): string {
  const hostName =
    last.hostName === undefined || last.hostName === name ? "" : `${last.hostName}, `;
  const outcome = last.outcome === "untested" ? "not tested" : last.outcome;
  const when = new Date(last.endedAtMs).toISOString().slice(0, 16).replace("T", " ");
  return `${hostName}${outcome} ${when} UTC`;
}

function originOf(machine: MachineSource, cwd: string): string {
  switch (machine.kind) {
    case "file":
    case "nixos-config":
      return machine.path.replace(`${cwd}/`, "");
    case "flake":
      return `${machine.reference}#${machine.attribute}`;
    case "expression":
      return "--expr";
  }
}
