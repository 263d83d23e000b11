import type { Command } from "commander";
import { Option } from "commander";
import type { MachineView, NetworkView, StatusView } from "../../contract/operator/views.ts";
import { counted } from "../../core/bytes/counted.ts";
import { writeCsv } from "../../core/export/csv.ts";
import { listMachines, type SelectionOptions, selectionOptions } from "../act/selection.ts";
import type { Api } from "../api/api.ts";
import { locationOptions, printJson, printLines, type ServerOptions } from "../api/server-options.ts";
import { readLimit } from "../output/limit.ts";
import {
  columnText,
  columnValue,
  groupMachines,
  sortMachines,
  usualColumns,
  wideColumns,
} from "../output/machine-columns.ts";
import { formatTable } from "../output/table.ts";
import { foreignText } from "./networks.ts";

const formats = ["table", "wide", "name", "csv", "json", "yaml"] as const;
type MachinesOptions = Omit<ServerOptions, "output"> &
  SelectionOptions & {
    readonly output: (typeof formats)[number];
    readonly fields?: string;
    readonly sort?: string;
    readonly groupBy?: string;
    readonly limit?: string;
  };

/** Adds `machines`: lists the fleet. */
export function machinesCommand(program: Command): void {
  const command = program
    .command("machines")
    .description("list machines: state, phase, address, image, conditions")
    .option("-f, --fields <keys>", "print only these keys of each record, separated by commas: hostname,state,macs")
    .option("--sort <column>", "sort by name, state, phase, since, rack, product, …; -since reverses")
    .option("--group-by <column>", "print how many machines have each value of a column")
    .option("-n, --limit <count>", "print at most this number of machines")
    .addOption(new Option("-o, --output <format>", "output format").choices(formats).default("table"));
  selectionOptions(command);
  locationOptions(command).action(async (options: MachinesOptions) => {
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const listed = await listMachines(api, options);
    const machines = options.sort === undefined ? listed : sortMachines(listed, options.sort);
    if (options.output !== "json") await printWarnings(api);
    if (machines.length === 0 && options.output !== "json") {
      const all = options.labels === undefined && options.where === undefined;
      process.stderr.write(all ? `${none}\n` : "no machine matches the selector\n");
    } else if (options.groupBy !== undefined) printGroups(machines, options.groupBy, options.output);
    else await printMachines(limited(machines, options.limit), options);
  });
}

const none = "no machine has sent a PXE request yet: connect one to a configured network and switch it on";

/** What a list of machines leaves out, and why there may be none. */
async function printWarnings(api: Api): Promise<void> {
  const { networks } = await api.ask<{ networks: NetworkView[] }>("networks");
  for (const network of networks.filter(({ notServed }) => notServed !== undefined))
    process.stderr.write(`${foreignText(network.name, network).join("\n")}\n`);
  const { unreadable = [] } = await api.ask<StatusView>("status");
  for (const { message, next } of unreadable) process.stderr.write(`not listed: ${message}\n${next}\n`);
}

/** The first of the machines; how many are left out goes to standard error, so that nobody takes them for all. */
function limited(machines: readonly MachineView[], wanted: string | undefined): readonly MachineView[] {
  const limit = readLimit(wanted, "machines");
  if (limit === undefined) return machines;
  const left = machines.length - limit;
  if (left > 0) process.stderr.write(`${counted(left, "more machine is", "more machines are")} not listed\n`);
  return machines.slice(0, limit);
}

async function printMachines(machines: readonly MachineView[], { output, fields }: MachinesOptions): Promise<void> {
  const nowMs = Date.now();
  switch (output) {
    case "json":
      return printJson(machines);
    case "yaml": {
      const { stringify } = await import("yaml");
      return printLines(stringify(machines).trimEnd().split("\n"));
    }
    case "name":
      return printLines(machines.map((machine) => columnText(machine, "name", nowMs)));
    case "csv": {
      const rows = machines.map((machine) => wideColumns.map((name) => columnValue(machine, name)));
      process.stdout.write([...writeCsv(wideColumns, rows)].join(""));
      return;
    }
    case "wide":
      return printLines(machinesTable(machines, nowMs, wideColumns));
    case "table":
      return printLines(
        fields === undefined ? machinesTable(machines, nowMs) : fieldsTable(machines, fields.split(",")),
      );
  }
}

function printGroups(machines: readonly MachineView[], by: string, output: MachinesOptions["output"]): void {
  const groups = groupMachines(machines, by);
  const rows = groups.map(([value, count]) => [String(count), value]);
  if (output === "json") printJson(groups.map(([value, count]) => ({ [by]: value, machines: count })));
  else if (output === "csv") process.stdout.write([...writeCsv(["machines", by], rows)].join(""));
  else printLines(formatTable(["MACHINES", by.toUpperCase()], rows));
}

/** The table that `machines` prints. */
export function machinesTable(
  machines: readonly MachineView[],
  nowMs: number,
  columns: readonly string[] = usualColumns,
): string[] {
  const rows = machines.map((machine) => columns.map((name) => columnText(machine, name, nowMs)));
  return formatTable(
    columns.map((name) => name.toUpperCase()),
    rows,
  );
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
