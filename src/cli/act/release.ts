import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

type ReleaseOptions = ActOptions & { readonly wipe?: true; readonly acceptTpm?: true };

/** Adds `release`: ends a hold or a retirement. */
export function releaseCommand(program: Command): void {
  const command = program
    .command("release [name...]")
    .description("end a hold; allow the birth of a retired machine")
    .option("--wipe", "allow a birth to erase data found on the disks, or another disk than the recorded one")
    .option("--accept-tpm", "trust another TPM: the board or TPM of the machine was replaced");
  actOptions(command, "loses").action(async (names: string[], { wipe, acceptTpm, ...options }: ReleaseOptions) => {
    const loses = "the birth erases everything on the root disk that it chooses";
    const verb = {
      ...{ action: { action: "release", wipe, acceptTpm } as const, ...(wipe === undefined ? {} : { loses }) },
      done: (machine: Parameters<typeof briefName>[0]) => `${briefName(machine)}: released`,
    };
    await act(names, verb, options);
  });
}
