import { type Command, Option } from "commander";
import type { OperatorRoute } from "../../contract/operator/routes.ts";
import { errorCode } from "../../core/error-code.ts";
import { netboxTables } from "../../core/export/netbox.ts";
import type { RequestParts } from "../api/api.ts";
import { failure, readFailure } from "../api/failure.ts";
import { locationOptions, print, type ServerOptions } from "../api/server-options.ts";

type Where = Omit<ServerOptions, "output">;

/** Adds `export`: writes the fleet to standard output in the format of another tool. */
export function exportCommand(program: Command): void {
  const command = program
    .command("export")
    .description("export the fleet for another tool: the Dominator, Ansible, NetBox, Prometheus");

  locationOptions(command.command("dominator"))
    .description("export the healthy machines as the Dominator's MDB (its -mdbFile)")
    .action(async (options: Where) => write(options, "exportDominator"));

  locationOptions(command.command("ansible"))
    .description("print Ansible's dynamic inventory; point Ansible at the script packaging/ansible/birther-inventory")
    .option("--list", "all machines with a hostname")
    .option("--host <name>", "the variables of one machine")
    .action(async (options: Where & { list?: true; host?: string }) => {
      if ((options.list === undefined) === (options.host === undefined)) {
        throw failure(
          "misused",
          `expected either --list or --host, found ${options.list === undefined ? "neither" : "both"}`,
          "to list all machines: birther export ansible --list",
        );
      }
      const { host: name } = options;
      if (name === undefined) await write(options, "exportAnsible");
      else await write(options, "exportAnsibleHost", { name });
    });

  locationOptions(command.command("netbox"))
    .description("print CSV for NetBox's bulk import; import the tables in the order listed below")
    .argument("<table>", netboxTables.join(", "))
    .option("--site <name>", "site in NetBox", "main")
    .option("--role <name>", "device role in NetBox", "server")
    .addOption(new Option("--mac-column", "put MAC addresses into a column of interfaces, as NetBox up to 4.1 expects"))
    .action(async (table: string, { site, role, macColumn, ...where }: Where & Netbox) => {
      const query = { table, site, role, macColumn: String(macColumn === true) };
      await write(where, "exportNetbox", { query });
    });

  locationOptions(command.command("metrics"))
    .description("print the metrics of fleet and server in the Prometheus format")
    .action(async (options: Where) => write(options, "metrics"));
}

type Netbox = { readonly site: string; readonly role: string; readonly macColumn?: true };

/** Streams the answer to standard output: the inventory of a million machines exceeds the maximum length of a string. */
async function write(options: Where, route: OperatorRoute, parts?: RequestParts): Promise<void> {
  const { openApi } = await import("../api/api.ts");
  const { pipeline } = await import("node:stream/promises");
  const response = await (await openApi(options)).bytes(route, parts);
  let last = "";
  response.on("data", (bytes: Buffer) => {
    last = bytes.toString("latin1", bytes.length - 1);
  });
  try {
    await pipeline(response, process.stdout, { end: false });
  } catch (error) {
    // The reader has closed the pipe, as `| head` does.
    if (errorCode(error) === "EPIPE") return;
    throw readFailure(error);
  }
  if (last !== "\n") print("");
}
