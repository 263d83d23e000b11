import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** Adds `clean`. Erases a machine quickly, before it changes owner. */
export function cleanCommand(program: Command): void {
  const command = program
    .command("clean [name...]")
    .description(
      "install machines anew at their next boot without burn-in: an encrypted root disk is erased with its key, other disks are left alone",
    )
    .option("--restart", "also while a rebirth or clean is running: it stops and begins anew")
    .option("--override", "also more of a group at once than blastRadius allows; the audit tells who did");
  actOptions(command, "loses").action(
    async (names: string[], { restart, override, ...options }: ActOptions & { restart?: true; override?: true }) => {
      const loses = "everything on the root disk will be lost at the next boot";
      const verb = {
        ...{ action: { action: "clean", restart, override } as const, loses },
        done: (machine: Parameters<typeof briefName>[0] & { generation: number }) =>
          `${briefName(machine)}: clean, generation ${machine.generation}; reset it, and it begins`,
      };
      await act(names, verb, options);
    },
  );
}
