import type { Command } from "commander";
import { plainText } from "../../core/bytes/plain-text.ts";
import type { Why } from "../../core/machine/health/waiting-for.ts";
import { listMachines } from "../act/selection.ts";
import { failure } from "../api/failure.ts";
import type { ServerOptions } from "../api/server-options.ts";
import { listOptions, printList } from "../output/listing.ts";
import { machineListing } from "../output/machine-columns.ts";
import { fitLines } from "../output/wrap.ts";
import { whyText } from "./why.ts";

/** Adds `slot`: the machine at a rack and unit. */
export function slotCommand(program: Command): void {
  const command = program
    .command("slot <slot>")
    .description(
      "name the machine at RACK/UNIT, such as 17/4, or at SWITCH:PORT, such as tor-17:swp4, and what it waits for",
    );
  listOptions(command, machineListing).action(async (slot: string, options: ServerOptions) => {
    const where = whereOf(slot);
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const machines = await listMachines(api, { where });
    const text = async () => {
      const answers = machines.map(({ id }) => api.ask<Why & { name: string }>("why", { name: id }));
      return (await Promise.all(answers)).flatMap((answer) => fitLines(whyText(answer, Date.now()), 4));
    };
    const none = `no machine has been heard from slot ${plainText(slot)}`;
    await printList(machineListing, { rows: machines, text, none }, options);
    const { exitStatus } = await import("../api/failure.ts");
    if (machines.length === 0) process.exitCode = exitStatus.failed;
  });
}

/** The selector of a slot. */
function whereOf(slot: string): string {
  const rackUnit = /^([^/\s,()]+)\/([^/\s,()]+)$/.exec(slot);
  if (rackUnit !== null) return `rack=${rackUnit[1]},unit=${rackUnit[2]}`;
  const switchPort = /^([^:\s,()]+):([^\s,()]+)$/.exec(slot);
  if (switchPort !== null) return `switch=${switchPort[1]},port=${switchPort[2]}`;
  throw failure("misused", `expected a slot as RACK/UNIT, such as 17/4, or SWITCH:PORT, found ${plainText(slot)}`);
}
