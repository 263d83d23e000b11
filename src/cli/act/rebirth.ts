import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";
import { type PaceOptions, paceOf, paceOptions } from "./reboot.ts";

/** Adds `rebirth`: reinstalls machines with a burn-in. */
export function rebirthCommand(program: Command): void {
  const command = program
    .command("rebirth [name...]")
    .description("reinstall machines at their next boot: burn-in, new disk keys, new system; name and address stay")
    .option("--moved", "allow another slot, which gives the machine another name and address")
    .option(
      "--new-root-disk [selector]",
      "another root disk than the recorded one may be taken and erased: by serial number, WWN or path, or any",
    )
    .option("--restart", "also while a rebirth or clean is running: it stops and begins anew")
    .option("--reboot", "restart them through their agents, a few at a time; without it, reset them yourself")
    .option("--override", "exceed the blast radius of a group (blastRadius); recorded in the audit");
  paceOptions(command);
  type Options = ActOptions &
    PaceOptions & { reboot?: true; moved?: true; newRootDisk?: string | true; restart?: true; override?: true };
  actOptions(command, "loses").action(
    async (
      names: string[],
      { moved, newRootDisk: disk, restart, override, reboot, atOnce, perRack, ...options }: Options,
    ) => {
      const newRootDisk = disk === undefined ? undefined : disk === true ? {} : { selector: disk };
      const pace = reboot === undefined ? {} : { reboot: paceOf({ atOnce, perRack }) };
      const action = { action: "rebirth", mayMove: moved, newRootDisk, restart, override, ...pace } as const;
      const loses =
        disk === undefined
          ? "the next boot erases everything on the root disk and on the data disks of the layout"
          : `everything on ${disk === true ? "the root disk, or on another where that is missing," : `disk ${disk}`} will be lost at the next boot`;
      const verb = {
        ...{ action, loses },
        done: (machine: Parameters<typeof briefName>[0] & { generation: number }) =>
          `${briefName(machine)}: rebirth, generation ${machine.generation}; ${reboot === undefined ? "to start it, reset the machine" : "its agent restarts it when its turn comes"}`,
      };
      await act(names, verb, options);
    },
  );
}
