import type { Command } from "commander";
import { act } from "./act.ts";
import { type ServerOptions, serverOptions } from "./server-options.ts";

/** Adds `clean`. Erases a machine quickly, before it changes owner. */
export function cleanCommand(program: Command): void {
  const command = program
    .command("clean <name...>")
    .description("install machines anew at their next boot without burn-in: the old data is gone with its keys")
    .option("-y, --yes", "do not ask, also at a terminal");
  serverOptions(command).action(async (names: string[], options: ServerOptions & { yes?: boolean }) => {
    const done = (machine: { hostname?: string; id: string; generation: number }) =>
      `${machine.hostname ?? machine.id}: clean, generation ${machine.generation}; reset it, and it begins`;
    await act({ route: "clean", names, loses: "everything on the disks will be lost at the next boot", done }, options);
  });
}
