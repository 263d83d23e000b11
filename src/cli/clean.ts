import type { Command } from "commander";
import { whatCleanLeaves } from "../core/machine/not-erased.ts";
import { act } from "./act.ts";
import { type ServerOptions, serverOptions } from "./server-options.ts";

/** Adds `clean`. Erases a machine quickly, before it changes owner. */
export function cleanCommand(program: Command): void {
  const command = program
    .command("clean <name...>")
    .description(
      "install machines anew at their next boot without burn-in: an encrypted root disk is erased with its key, other disks are left alone",
    )
    .option("-y, --yes", "do not ask, also where not all data is erased");
  serverOptions(command).action(async (names: string[], options: ServerOptions & { yes?: boolean }) => {
    const done = (machine: { hostname?: string; id: string; generation: number }) =>
      `${machine.hostname ?? machine.id}: clean, generation ${machine.generation}; reset it, and it begins`;
    const loses = "everything on the root disk will be lost at the next boot";
    await act({ route: "clean", names, loses, leaves: whatCleanLeaves, done }, options);
  });
}
