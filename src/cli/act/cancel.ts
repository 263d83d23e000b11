import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** Adds `cancel`: cancels a pending rebirth or clean. */
export function cancelCommand(program: Command): void {
  const command = program
    .command("cancel [name...]")
    .description("cancel a pending rebirth, clean or restart that the machine has not begun");
  actOptions(command, "harmless").action(async (names: string[], options: ActOptions) => {
    const verb = {
      action: { action: "cancel" } as const,
      done: (machine: Parameters<typeof briefName>[0]) =>
        `${briefName(machine)}: cancelled; the machine keeps its system`,
    };
    await act(names, verb, options);
  });
}
