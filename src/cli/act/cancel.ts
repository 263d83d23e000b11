import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** Adds `cancel`. Takes a rebirth or clean back that has not begun. */
export function cancelCommand(program: Command): void {
  const command = program
    .command("cancel [name...]")
    .description("take a rebirth or clean back, as long as no machine has begun with it");
  actOptions(command, "harmless").action(async (names: string[], options: ActOptions) => {
    const verb = {
      action: { action: "cancel" } as const,
      done: (machine: Parameters<typeof briefName>[0]) => `${briefName(machine)}: taken back; it stays as it is`,
    };
    await act(names, verb, options);
  });
}
