import type { Command } from "commander";
import type { MachineView } from "../../contract/operator/views.ts";
import { changeOptions, print, type ServerOptions } from "../api/server-options.ts";
import { printData } from "../output/data.ts";

/** Adds `takeover`: a newcomer takes over the name and slot of a machine that is gone. */
export function takeoverCommand(program: Command): void {
  const command = program
    .command("takeover <newcomer> <old>")
    .description("let a newcomer take over the name and slot of a machine that is gone (swapped board, replacement)");
  changeOptions(command).action(async (name: string, from: string, options: ServerOptions) => {
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const machine = await api.ask<MachineView>("takeover", { name, body: { from } });
    if (!(await printData(machine, options)))
      print(`${machine.id}: takes over as ${machine.hostname ?? from}; to start its birth, reset it`);
  });
}
