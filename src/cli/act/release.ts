import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

type ReleaseOptions = ActOptions & { readonly wipe?: true; readonly acceptTpm?: true; readonly recover?: true };

/** Adds `release`: ends a hold or a retirement. */
export function releaseCommand(program: Command): void {
  const command = program
    .command("release [name...]")
    .description("end a hold; allow the birth of a retired machine")
    .option("--wipe", "allow a birth to erase data found on the disks, or another disk than the recorded one")
    .option(
      "--recover",
      "let the next network boot recover the disk key that the TPM does not give to its disk's system",
    )
    .option("--accept-tpm", "trust another TPM: the board or TPM of the machine was replaced");
  actOptions(command, "loses").action(
    async (names: string[], { wipe, acceptTpm, recover, ...options }: ReleaseOptions) => {
      const loses = "the birth erases everything on the root disk that it chooses";
      const verb = {
        ...{
          action: { action: "release", wipe, acceptTpm, recover } as const,
          ...(wipe === undefined ? {} : { loses }),
        },
        done: (machine: Parameters<typeof briefName>[0]) =>
          recover === undefined
            ? `${briefName(machine)}: released`
            : `${briefName(machine)}: its next network boot recovers the disk key`,
      };
      await act(names, verb, options);
    },
  );
}
