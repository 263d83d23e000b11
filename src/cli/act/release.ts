import type { Command } from "commander";
import { type ActOptions, act, actOptions, briefName } from "./act.ts";

/** Adds `release`: the end of a hold, or of a retirement. */
export function releaseCommand(program: Command): void {
  const command = program
    .command("release [name...]")
    .description("end the hold of machines; let retired ones be born again");
  actOptions(command, "harmless").action(async (names: string[], options: ActOptions) => {
    const verb = {
      action: { action: "release" } as const,
      done: (machine: Parameters<typeof briefName>[0]) => `${briefName(machine)}: released`,
    };
    await act(names, verb, options);
  });
}
