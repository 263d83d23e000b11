import type { Command } from "commander";
import type { MachineView } from "../../contract/operator/views.ts";
import { failure } from "../api/failure.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { patchOf } from "./set.ts";

type CreateOptions = ServerOptions & {
  readonly mac?: readonly string[];
  readonly place?: string;
  readonly hostname?: string;
  readonly birth?: true;
};

/** Adds `create`: a machine is announced before it asks. */
export function createCommand(program: Command): void {
  const command = program
    .command("create [key=value...]")
    .description("announce a machine before it asks PXE, by hardware address or place; further words as for `set`")
    // Not `<address...>`, which would take the key=value words along.
    .option(
      "-m, --mac <address>",
      "its hardware address; again for each of its NICs",
      (one, all: string[]) => [...all, one],
      [],
    )
    .option("-p, --place <switch:port>", "the switch port it is to hang on, as LLDP names them: tor-1:swp7")
    .option("-n, --hostname <name>", "the name that it must get by its place")
    .option("--birth", "it is born wherever it asks, not on a nursery only");
  serverOptions(command).action(async (text: string[], options: CreateOptions) => {
    const { mac, place, hostname, birth } = options;
    const switchPort = place === undefined ? undefined : placeOf(place);
    const macs = mac?.length ? mac : undefined;
    const body = { ...patchOf(text), macs, place: switchPort, hostname, birth };
    const { openApi } = await import("../api/api.ts");
    const machine = await (await openApi(options)).ask<MachineView>("create", { body });
    if (options.output === "json") printJson(machine);
    else print(`${machine.id}: announced; switch it on`);
  });
}

/** Ports have colons in their names less often than switches; the last one parts them. */
function placeOf(text: string): { readonly switchName: string; readonly port: string } {
  const [, switchName, port] = /^(.+):([^:]+)$/.exec(text) ?? [];
  if (switchName === undefined || port === undefined)
    throw failure("misused", `--place ${text}`, "meant is SWITCH:PORT, e.g. tor-1:swp7");
  return { switchName, port };
}
