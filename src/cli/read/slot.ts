import type { Command } from "commander";
import { plainText } from "../../core/bytes/plain-text.ts";
import type { Why } from "../../core/machine/health/waiting-for.ts";
import { listMachines } from "../act/selection.ts";
import { failure } from "../api/failure.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { fitLines } from "../output/wrap.ts";
import { whyText } from "./why.ts";

/** Adds `slot`: the machine at a rack and unit. */
export function slotCommand(program: Command): void {
  const command = program
    .command("slot <slot>")
    .description(
      "name the machine at RACK/UNIT, such as 17/4, or at SWITCH:PORT, such as tor-17:swp4, and what it waits for",
    );
  serverOptions(command).action(async (slot: string, options: ServerOptions) => {
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const machines = await listMachines(api, { where: whereOf(slot) });
    if (options.output === "json") printJson(machines);
    else if (machines.length === 0) process.stderr.write(`no machine has been heard from slot ${plainText(slot)}\n`);
    else
      for (const { id } of machines) {
        const answer = await api.ask<Why & { name: string }>("why", { name: id });
        print(...fitLines(whyText(answer, Date.now()), 4));
      }
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
