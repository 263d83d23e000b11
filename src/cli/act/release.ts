import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** Adds `release`: the end of a hold, or of a retirement. */
export function releaseCommand(program: Command): void {
  const command = program
    .command("release [name...]")
    .description("end the hold of machines; let retired ones be born again")
    .option("--wipe", "their first birth may erase what was found on their disks");
  actOptions(command, "loses").action(async (names: string[], { wipe, ...options }: ActOptions & { wipe?: true }) => {
    const loses = "everything on the root disk that their birth chooses will be lost";
    const verb = {
      ...{ action: { action: "release", wipe } as const, ...(wipe === undefined ? {} : { loses }) },
      done: (machine: Parameters<typeof briefName>[0]) => `${briefName(machine)}: released`,
    };
    await act(names, verb, options);
  });
}
