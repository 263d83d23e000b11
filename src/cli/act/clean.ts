import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** Adds `clean`: erases and reinstalls machines quickly, before they change owner. */
export function cleanCommand(program: Command): void {
  const command = program
    .command("clean [name...]")
    .description(
      "reinstall machines at their next boot without burn-in; this erases an encrypted root disk and does not touch other disks",
    )
    .option("--restart", "also while a rebirth or clean is running: it stops and begins anew")
    .option("--override", "exceed the blast radius of a group (blastRadius); recorded in the audit");
  actOptions(command, "loses").action(
    async (names: string[], { restart, override, ...options }: ActOptions & { restart?: true; override?: true }) => {
      const loses = "the next boot erases everything on the root disk";
      const verb = {
        ...{ action: { action: "clean", restart, override } as const, loses },
        done: (machine: Parameters<typeof briefName>[0] & { generation: number }) =>
          `${briefName(machine)}: clean, generation ${machine.generation}; to start it, reset the machine`,
      };
      await act(names, verb, options);
    },
  );
}
