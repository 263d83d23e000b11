import type { Command } from "commander";
import { act } from "./act.ts";
import { type ServerOptions, serverOptions } from "./server-options.ts";

/** Adds `rebirth`. Repairs a machine. */
export function rebirthCommand(program: Command): void {
  const command = program
    .command("rebirth <name...>")
    .description("install machines anew at their next boot: burn-in, new disk keys, new system; name and address stay")
    .option("-y, --yes", "do not ask, also at a terminal");
  serverOptions(command).action(async (names: string[], options: ServerOptions & { yes?: boolean }) => {
    const done = (machine: { hostname?: string; id: string; generation: number }) =>
      `${machine.hostname ?? machine.id}: rebirth, generation ${machine.generation}; reset it, and it begins`;
    await act(
      { route: "rebirth", names, loses: "everything on the root disk will be lost at the next boot", done },
      options,
    );
  });
}
