import type { Command } from "commander";
import type { MachineView, NetworkView, StatusView } from "../../contract/operator/views.ts";
import { listMachines, type SelectionOptions, selectionOptions } from "../act/selection.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { formatDuration } from "../output/figures.ts";
import { formatTable } from "../output/table.ts";
import { foreignText } from "./networks.ts";

/** Adds `machines`: lists the fleet. */
export function machinesCommand(program: Command): void {
  const command = program
    .command("machines")
    .description("list machines: state, phase, address, image, conditions")
    .option("-f, --fields <keys>", "print only these keys of each record, separated by commas: hostname,state,macs");
  selectionOptions(command);
  serverOptions(command).action(async (options: ServerOptions & SelectionOptions & { fields?: string }) => {
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const machines = await listMachines(api, options);
    if (options.output === "json") return printJson(machines);
    const { networks } = await api.ask<{ networks: NetworkView[] }>("networks");
    for (const network of networks.filter(({ notServed }) => notServed !== undefined))
      process.stderr.write(`${foreignText(network.name, network).join("\n")}\n`);
    const { unreadable = [] } = await api.ask<StatusView>("status");
    for (const { message, next } of unreadable) process.stderr.write(`not listed: ${message}\n${next}\n`);
    if (machines.length === 0) {
      const all = options.labels === undefined && options.where === undefined;
      process.stderr.write(all ? `${none}\n` : "no machine matches the selector\n");
    } else if (options.fields !== undefined) print(...fieldsTable(machines, options.fields.split(",")));
    else print(...machinesTable(machines, Date.now()));
  });
}

const none = "no machine has sent a PXE request yet: connect one to a configured network and switch it on";

/** The table that `machines` prints. */
export function machinesTable(machines: readonly MachineView[], nowMs: number): string[] {
  const titles = ["NAME", "STATE", "PHASE", "SINCE", "ADDRESS", "IMAGE", "CONDITIONS"];
  const rows = machines.map((machine) => [
    machine.hostname ?? machine.id,
    machine.state,
    machine.phase ?? "-",
    machine.phaseAtMs === undefined ? "-" : formatDuration(Math.max(0, nowMs - machine.phaseAtMs)),
    addressOf(machine),
    machine.runningImage ?? machine.requiredImage ?? "-",
    machine.conditions.map(({ kind, reason }) => `${kind}: ${reason}`).join("; ") || "-",
  ]);
  return formatTable(titles, rows);
}

/** One column for each requested key. */
function fieldsTable(machines: readonly MachineView[], fields: readonly string[]): string[] {
  const keys = [...new Set(["id", ...fields.map((field) => field.trim())])];
  const rows = machines.map((machine) =>
    keys.map((key) => {
      const value = machine[key as keyof MachineView];
      return value === undefined ? "-" : typeof value === "string" ? value : JSON.stringify(value);
    }),
  );
  const titles = keys.map((key) => key.replace(/([A-Z])/g, " $1").toUpperCase());
  return formatTable(titles, rows);
}

function addressOf(machine: MachineView): string {
  return machine.permanentAddress ?? machine.temporaryAddress ?? "-";
}
