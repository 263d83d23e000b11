import type { Command } from "commander";
import { act } from "./act.ts";
import { type ServerOptions, serverOptions } from "./server-options.ts";

/** Adds `cancel`. Takes a rebirth or clean back that has not begun. */
export function cancelCommand(program: Command): void {
  const command = program
    .command("cancel <name...>")
    .description("take a rebirth or clean back, as long as no machine has begun with it");
  serverOptions(command).action(async (names: string[], options: ServerOptions) => {
    const done = (machine: { hostname?: string; id: string }) =>
      `${machine.hostname ?? machine.id}: taken back; it stays as it is`;
    await act({ route: "cancel", names, done }, options);
  });
}
