import type { Command } from "commander";
import { writeCsv } from "../../core/export/csv.ts";
import { formatIpv4 } from "../../core/net/ipv4.ts";
import { type PortPlan, planPort, planSlots, unusableReason } from "../../core/site/site-plan.ts";
import { exitStatus, failure } from "../api/failure.ts";
import { print, printJson } from "../api/server-options.ts";
import { formatTable } from "../output/table.ts";

type PlanOptions = { readonly config: string; readonly output: "table" | "csv" | "json" };

/** Adds `plan` and `plan try`: what the placement rules make of the site. */
export function planCommand(program: Command): void {
  const plan = program
    .command("plan")
    .description("list the slots that the configuration expects, with the name and address that its rules give them")
    .requiredOption("-c, --config <file>", "configuration file with a section site")
    .option("-o, --output <format>", "table, csv or json", "table")
    .action(async (options: PlanOptions) => {
      const { readConfigFile } = await import("./config-file.ts");
      // What is wrong with the plan is best seen in the plan.
      const { config } = await readConfigFile(options.config, { planApart: true });
      if (config.site === undefined)
        throw failure(
          "misused",
          "site: expected the racks and units of the site, found none",
          "docs/configuration.md describes it",
        );
      const slots = planSlots(config.site, config.placement.rules);
      const columns = ["rack", "unit", "switch", "port", "hostname", "address"];
      const rows = slots.map(({ rack, unit, switchName, port, placement }) => [
        ...[String(rack), String(unit), switchName, port],
        ...[placement?.hostname ?? "-", placement === undefined ? "-" : formatIpv4(placement.address)],
      ]);
      if (options.output === "json") printJson(slots.map(jsonOf));
      else if (options.output === "csv") for (const line of writeCsv(columns, rows)) process.stdout.write(line);
      else if (options.output === "table")
        print(
          ...formatTable(
            columns.map((name) => name.toUpperCase()),
            rows,
          ),
        );
      else throw failure("misused", `--output: expected table, csv or json, found ${options.output}`);
      const { formatFault } = await import("../../contract/config/parse.ts");
      const { sitePlanFaults } = await import("../../contract/config/rules.ts");
      const faults = sitePlanFaults(config);
      for (const fault of faults) process.stderr.write(`${formatFault(fault)}\n`);
      if (faults.length > 0) process.exitCode = exitStatus.failed;
    });
  plan
    .command("try <switch> <port>")
    .description("say what the rules make of one switch port, by the names that the switch sends by LLDP")
    .action(async (switchName: string, port: string, _own: object, command: Command) => {
      const { config: file, output } = command.optsWithGlobals<PlanOptions>();
      const { readConfigFile } = await import("./config-file.ts");
      const { config } = await readConfigFile(file, { planApart: true });
      const found = planPort(config.placement.rules, switchName, port);
      const { placement } = found;
      const unusable = placement && unusableReason(placement.address, config.networks);
      if (placement === undefined || unusable !== undefined) process.exitCode = exitStatus.failed;
      if (output === "json") return printJson({ ...jsonOf(found), ...(unusable === undefined ? {} : { unusable }) });
      if (placement === undefined) return print(found.fault ?? "");
      const groups = Object.entries(placement.position).map(([name, value]) => `${name} ${value}`);
      const address = formatIpv4(placement.address);
      const more = [placement.ipv6, placement.profile && `profile ${placement.profile}`].filter(
        (text) => text !== undefined,
      );
      print(`${[placement.hostname, address, ...more].join(" ")}: ${groups.join(", ") || "no groups"}`);
      if (unusable !== undefined) print(`${address} ${unusable}`);
    });
}

function jsonOf({ placement, ...slot }: PortPlan): object {
  if (placement === undefined) return slot;
  const { hostname, address, position, ipv6, profile } = placement;
  return {
    ...{ ...slot, hostname, address: formatIpv4(address), position },
    ...(ipv6 === undefined ? {} : { ipv6 }),
    ...(profile === undefined ? {} : { profile }),
  };
}
