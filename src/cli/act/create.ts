import type { Command } from "commander";
import type { MachineView } from "../../contract/operator/views.ts";
import { changeOptions, print, type ServerOptions } from "../api/server-options.ts";
import { printData } from "../output/data.ts";
import { patchOf, placeOf } from "./set.ts";

type CreateOptions = ServerOptions & {
  readonly mac?: readonly string[];
  readonly place?: string;
  readonly hostname?: string;
  readonly birth?: true;
};

/** Adds `create`: announces a machine before its first PXE request. */
export function createCommand(program: Command): void {
  const command = program
    .command("create [key=value...]")
    .description("announce a machine before its first PXE request, by MAC address or slot; key=value as for `set`")
    // Not `<address...>`, which would consume the key=value arguments.
    .option("-m, --mac <address>", "MAC address; repeat for each NIC", (one, all: string[]) => [...all, one], [])
    .option("-p, --place <switch:port>", "its switch port, with the names from LLDP: tor-1:swp7")
    .option("-n, --hostname <name>", "the hostname that its slot must yield")
    .option("--birth", "start its birth on any network, not only on a nursery");
  changeOptions(command).action(async (text: string[], options: CreateOptions) => {
    const { mac, place, hostname, birth } = options;
    const switchPort = place === undefined ? undefined : placeOf(place);
    const macs = mac?.length ? mac : undefined;
    const body = { ...patchOf(text), macs, place: switchPort, hostname, birth };
    const { openApi } = await import("../api/api.ts");
    const machine = await (await openApi(options)).ask<MachineView>("create", { body });
    if (!(await printData(machine, options))) print(`${machine.id}: announced; switch it on`);
  });
}
