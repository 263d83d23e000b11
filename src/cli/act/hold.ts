import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** Adds `hold`: nothing is installed on a machine until it is released. */
export function holdCommand(program: Command): void {
  const command = program
    .command("hold [name...]")
    .description("install nothing on machines until they are released; a birth that runs stops before it writes")
    .requiredOption("-r, --reason <text>", "why, for the one who finds it so");
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
