import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** Adds `retire`: a machine is given up. */
export function retireCommand(program: Command): void {
  const command = program
    .command("retire [name...]")
    .description("give machines up: their names, addresses and places become free; nothing on them is wiped")
    .option("-r, --reason <text>", "why, for the one who finds it so");
  actOptions(command, "loses").action(
    async (names: string[], { reason, ...options }: ActOptions & { reason?: string }) => {
      const verb = {
        action: { action: "retire", reason } as const,
        loses: "its name, address and place become free, and the Dominator no longer knows it",
        done: (machine: Parameters<typeof briefName>[0]) => `${briefName(machine)}: retired`,
      };
      await act(names, verb, options);
    },
  );
}
