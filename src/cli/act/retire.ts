import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** Adds `retire`: removes machines from the fleet. */
export function retireCommand(program: Command): void {
  const command = program
    .command("retire [name...]")
    .description("remove machines from the fleet; names, addresses and slots become free; disks are not touched")
    .option("-r, --reason <text>", "the reason, shown with the machine");
  actOptions(command, "loses").action(
    async (names: string[], { reason, ...options }: ActOptions & { reason?: string }) => {
      const verb = {
        action: { action: "retire", reason } as const,
        loses: "its name, address and slot become free, and the Dominator stops managing it",
        done: (machine: Parameters<typeof briefName>[0]) => `${briefName(machine)}: retired`,
      };
      await act(names, verb, options);
    },
  );
}
