import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** Adds `release`: ends a hold or a retirement. */
export function releaseCommand(program: Command): void {
  const command = program
    .command("release [name...]")
    .description("end a hold; allow the birth of a retired machine")
    .option("--wipe", "allow a first birth to erase data found on the disks");
  actOptions(command, "loses").action(async (names: string[], { wipe, ...options }: ActOptions & { wipe?: true }) => {
    const loses = "the birth erases everything on the root disk that it chooses";
    const verb = {
      ...{ action: { action: "release", wipe } as const, ...(wipe === undefined ? {} : { loses }) },
      done: (machine: Parameters<typeof briefName>[0]) => `${briefName(machine)}: released`,
    };
    await act(names, verb, options);
  });
}
