import { listMachines, type MachineSource } from "../../nix/index.ts";
import { renderTable } from "../../report/index.ts";
import type { Context } from "../context.ts";
import { columnsOf, writeLines } from "../io.ts";

/** Prints the machines that can be called by name, and where each comes from. */
export async function list({ io, settings, progress }: Context): Promise<number> {
  const machines = await listMachines(settings.nix);
  if (settings.json) {
    writeLines(
      io.stdout,
      machines.map((machine) => JSON.stringify(machine)),
    );
    return 0;
  }
  if (machines.length === 0)
    progress.note("no machines here: put a configuration into machines/NAME.nix");
  const rows = machines.map((machine) => [machine.name, originOf(machine, io.cwd)]);
  writeLines(io.stdout, renderTable(rows, { columns: columnsOf(io.stdout) }));
  return 0;
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
