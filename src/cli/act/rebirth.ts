import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** Adds `rebirth`. Repairs a machine. */
export function rebirthCommand(program: Command): void {
  const command = program
    .command("rebirth [name...]")
    .description("install machines anew at their next boot: burn-in, new disk keys, new system; name and address stay")
    .option("--moved", "they may come up at another place, by the name and address that belong to it")
    .option("--override", "also more of a group at once than blastRadius allows; the audit tells who did");
  type Options = ActOptions & { moved?: true; override?: true };
  actOptions(command, "loses").action(async (names: string[], { moved, override, ...options }: Options) => {
    const action = { action: "rebirth", mayMove: moved, override } as const;
    const loses = "everything on the root disk will be lost at the next boot";
    const verb = {
      ...{ action, loses },
      done: (machine: Parameters<typeof briefName>[0] & { generation: number }) =>
        `${briefName(machine)}: rebirth, generation ${machine.generation}; reset it, and it begins`,
    };
    await act(names, verb, options);
  });
}
