import { type Command, Option } from "commander";
import type { OperatorRoute } from "../../contract/operator/routes.ts";
import { netboxTables } from "../../core/export/netbox.ts";
import type { Asked } from "../api/api.ts";
import { failure } from "../api/failure.ts";
import { placeOptions, print, type ServerOptions } from "../api/server-options.ts";

type Where = Omit<ServerOptions, "output">;

/** Adds `export`: the fleet in the formats of other tools, on standard output. */
export function exportCommand(program: Command): void {
  const command = program
    .command("export")
    .description("the fleet for other tools: the Dominator, Ansible, NetBox, Prometheus");

  placeOptions(command.command("dominator"))
    .description("the healthy machines as the Dominator's MDB (its -mdbFile)")
    .action(async (options: Where) => write(options, "exportDominator"));

  placeOptions(command.command("ansible"))
    .description("Ansible's dynamic inventory: packaging/ansible/birther-inventory is the script to point it at")
    .option("--list", "all machines that have a name")
    .option("--host <name>", "the variables of one machine")
    .action(async (options: Where & { list?: true; host?: string }) => {
      if ((options.list === undefined) === (options.host === undefined)) {
        throw failure("misused", "Ansible asks for either --list or --host", "birther export ansible --list");
      }
      const { host: name } = options;
      if (name === undefined) await write(options, "exportAnsible");
      else await write(options, "exportAnsibleHost", { name });
    });

  placeOptions(command.command("netbox"))
    .description("CSV for NetBox's bulk import; import the tables in the order in which they are named")
    .argument("<table>", netboxTables.join(", "))
    .option("--site <name>", "site in NetBox", "main")
    .option("--role <name>", "device role in NetBox", "server")
    .addOption(
      new Option("--mac-column", "hardware addresses as a column of interfaces, as NetBox up to 4.1 takes them"),
    )
    .action(async (table: string, { site, role, macColumn, ...where }: Where & Netbox) => {
      const query = { table, site, role, macColumn: String(macColumn === true) };
      await write(where, "exportNetbox", { query });
    });

  placeOptions(command.command("metrics"))
    .description("the figures of fleet and server, as Prometheus reads them")
    .action(async (options: Where) => write(options, "metrics"));
}

type Netbox = { readonly site: string; readonly role: string; readonly macColumn?: true };

/** Writes the answer to standard output as it comes: the inventory of a million machines is longer than a string may be. */
async function write(options: Where, route: OperatorRoute, asked?: Asked): Promise<void> {
  const { openApi } = await import("../api/api.ts");
  const { pipeline } = await import("node:stream/promises");
  const response = await (await openApi(options)).bytes(route, asked);
  let last = "";
  response.on("data", (bytes: Buffer) => {
    last = bytes.toString("latin1", bytes.length - 1);
  });
  try {
    await pipeline(response, process.stdout, { end: false });
  } catch (error) {
    // Whoever reads has had enough, as `| head` has.
    if ((error as NodeJS.ErrnoException).code === "EPIPE") return;
    throw error;
  }
  if (last !== "\n") print("");
}
