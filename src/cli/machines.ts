import { type Command, Option } from "commander";
import type { MachineView, NetworkView } from "../contract/operator.ts";
import { conditionKinds, machineStates } from "../core/machine/record.ts";
import { formatDuration } from "./figures.ts";
import { foreignText } from "./networks.ts";
import { print, printJson, type ServerOptions, serverOptions } from "./server-options.ts";
import { formatTable } from "./table.ts";

/** Adds `machines`: the fleet at a glance. */
export function machinesCommand(program: Command): void {
  const command = program
    .command("machines")
    .description("list the machines: state, phase, address, image, conditions")
    .addOption(new Option("--in <state>", "only those in this state").choices([...machineStates]))
    .addOption(new Option("--condition <kind>", "only those with this condition").choices([...conditionKinds]));
  serverOptions(command).action(async (options: ServerOptions & { in?: string; condition?: string }) => {
    const { openApi } = await import("./api.ts");
    const api = await openApi(options);
    const query = { state: options.in, condition: options.condition };
    const { machines } = await api.ask<{ machines: MachineView[] }>("list", { query });
    if (options.output === "json") return printJson(machines);
    const { networks } = await api.ask<{ networks: NetworkView[] }>("networks");
    for (const network of networks.filter(({ notServed }) => notServed !== undefined))
      process.stderr.write(`${foreignText(network.name, network).join("\n")}\n`);
    if (machines.length > 0) print(...machinesTable(machines, Date.now()));
    else
      process.stderr.write(
        options.in === undefined && options.condition === undefined ? `${none}\n` : "none of them\n",
      );
  });
}

const none = "no machine has asked PXE yet: switch one on that is cabled to a network of the configuration";

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

function addressOf(machine: MachineView): string {
  return machine.permanentAddress ?? machine.temporaryAddress ?? "-";
}
