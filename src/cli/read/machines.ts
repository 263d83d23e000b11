import type { Command } from "commander";
import { Option } from "commander";
import type { MachineView, NetworkView, StatusView } from "../../contract/operator/views.ts";
import { counted } from "../../core/bytes/counted.ts";
import { listMachines, type SelectionOptions, selectionOptions } from "../act/selection.ts";
import type { Api } from "../api/api.ts";
import type { ServerOptions } from "../api/server-options.ts";
import { isData } from "../output/data.ts";
import { limitOption } from "../output/limit.ts";
import { listOptions, printList } from "../output/listing.ts";
import {
  columnOption,
  fieldListing,
  groupListing,
  groupMachines,
  machineListing,
  sortMachines,
} from "../output/machine-columns.ts";
import { warn } from "../output/warn.ts";
import { foreignText } from "./networks.ts";

type MachinesOptions = ServerOptions &
  SelectionOptions & {
    readonly fields?: readonly string[];
    readonly sort?: string;
    readonly groupBy?: string;
    readonly limit?: number;
  };

/** Adds `machines`: lists the fleet. */
export function machinesCommand(program: Command): void {
  const command = program
    .command("machines")
    .description("list machines: state, phase, address, image, conditions")
    .addOption(
      new Option(
        "-f, --fields <keys>",
        "print only these keys of each record, separated by commas: hostname,state,macs",
      ).argParser((text) => text.split(",").map((key) => key.trim())),
    )
    .addOption(columnOption("--sort", "sort by a column; --sort=-since reverses"))
    .addOption(columnOption("--group-by", "print how many machines have each value of a column"))
    .addOption(limitOption("machines", "print at most this number of machines"));
  selectionOptions(command);
  listOptions(command, machineListing).action(async (options: MachinesOptions) => {
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const { fields, sort, groupBy } = options;
    // Names, groups and an order need keys that nobody asked to print.
    const isWhole = fields === undefined || options.output === "name" || sort !== undefined || groupBy !== undefined;
    const listed = await listMachines(api, isWhole ? without(options) : { ...options, fields: fields.join(",") });
    const sorted = sort === undefined ? listed : sortMachines(listed, sort);
    if (!isData(options)) await printWarnings(api);
    const all = options.labels === undefined && options.where === undefined;
    const none = all ? noMachines : "no machine matches the selector";
    if (groupBy !== undefined) {
      const rows = groupMachines(sorted, groupBy);
      const data = rows.map(([value, machines]) => ({ [groupBy]: value, machines }));
      return await printList(groupListing(groupBy), { rows, data, none }, options);
    }
    const machines = limited(sorted, options.limit);
    if (fields === undefined || options.output === "name")
      return await printList(machineListing, { rows: machines, none }, options);
    const data = machines.map((machine) => pick(machine, fields));
    await printList(fieldListing(fields), { rows: machines, data, none }, options);
  });
}

/** The selection alone. */
function without({ labels, where }: SelectionOptions): SelectionOptions {
  return { ...(labels === undefined ? {} : { labels }), ...(where === undefined ? {} : { where }) };
}

/** The record with the id and these keys only, as the server sends it if it is asked for them. */
function pick(machine: MachineView, fields: readonly string[]): object {
  return Object.fromEntries(Object.entries(machine).filter(([key]) => key === "id" || fields.includes(key)));
}

const noMachines = "no machine has sent a PXE request yet: connect one to a configured network and switch it on";

/** What a list of machines leaves out, and why there may be none. */
async function printWarnings(api: Api): Promise<void> {
  const { networks } = await api.ask<{ networks: NetworkView[] }>("networks");
  for (const network of networks.filter(({ notServed }) => notServed !== undefined))
    warn(...foreignText(network.name, network));
  const { unreadable = [] } = await api.ask<StatusView>("status");
  for (const { message, next } of unreadable) warn(`not listed: ${message}\n${next}`);
}

/** The first of the machines; how many are left out goes to standard error, so that nobody takes them for all. */
function limited(machines: readonly MachineView[], limit: number | undefined): readonly MachineView[] {
  if (limit === undefined) return machines;
  const left = machines.length - limit;
  if (left > 0) warn(`${counted(left, "more machine is", "more machines are")} not listed`);
  return machines.slice(0, limit);
}
