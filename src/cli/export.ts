import { type Command, Option } from "commander";
import type { OperatorRoute } from "../contract/operator-routes.ts";
import { netboxTables } from "../core/export/netbox.ts";
import type { Asked } from "./api.ts";
import { failure } from "./failure.ts";
import { placeOptions, print, type ServerOptions } from "./server-options.ts";

type Where = Omit<ServerOptions, "output">;

/** Adds `export`: the fleet in the formats of other tools, on standard output. */
export function exportCommand(program: Command): void {
  const command = program
    .command("export")
    .description("the fleet for other tools: the Dominator, Ansible, NetBox, Prometheus");

  placeOptions(command.command("dominator"))
    .description("the healthy machines as the Dominator's MDB (its -mdbFile)")
    .action(async (options: Where) => write(await textOf(options, "exportDominator")));

  placeOptions(command.command("ansible"))
    .description("Ansible's dynamic inventory: packaging/ansible/birther-inventory is the script to point it at")
    .option("--list", "all machines that have a name")
    .option("--host <name>", "the variables of one machine")
    .action(async (options: Where & { list?: true; host?: string }) => {
      if ((options.list === undefined) === (options.host === undefined)) {
        throw failure("misused", "Ansible asks for either --list or --host", "birther export ansible --list");
      }
      const { host: name } = options;
      write(
        name === undefined
          ? await textOf(options, "exportAnsible")
          : await textOf(options, "exportAnsibleHost", { name }),
      );
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
      write(await textOf(where, "exportNetbox", { query }));
    });

  placeOptions(command.command("metrics"))
    .description("the figures of fleet and server, as Prometheus reads them")
    .action(async (options: Where) => write(await textOf(options, "metrics")));
}

type Netbox = { readonly site: string; readonly role: string; readonly macColumn?: true };

async function textOf(options: Where, route: OperatorRoute, asked?: Asked): Promise<string> {
  const { openApi } = await import("./api.ts");
  return await (await openApi(options)).text(route, asked);
}

function write(text: string): void {
  print(text.replace(/\n$/, ""));
}
