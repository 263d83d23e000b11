import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** Adds `hold`: prevents installations until the machine is released. */
export function holdCommand(program: Command): void {
  const command = program
    .command("hold [name...]")
    .description("prevent any installation until the machine is released; a running birth stops before it writes")
    .requiredOption("-r, --reason <text>", "the reason, shown with the machine");
  actOptions(command, "harmless").action(
    async (names: string[], { reason, ...options }: ActOptions & { reason: string }) => {
      const verb = {
        action: { action: "hold", reason } as const,
        done: (machine: Parameters<typeof briefName>[0]) => `${briefName(machine)}: on hold`,
      };
      await act(names, verb, options);
    },
  );
}
