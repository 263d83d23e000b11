import type { Command } from "commander";
import { act } from "./act.ts";
import { type ServerOptions, serverOptions } from "./server-options.ts";

/** Adds `hold`: nothing is installed on a machine until it is released. */
export function holdCommand(program: Command): void {
  const command = program
    .command("hold <name...>")
    .description("install nothing on machines until they are released; a birth that runs stops before it writes")
    .requiredOption("-r, --reason <text>", "why, for the one who finds it so");
  serverOptions(command).action(async (names: string[], options: ServerOptions & { reason: string }) => {
    const done = (machine: { hostname?: string; id: string }) => `${machine.hostname ?? machine.id}: on hold`;
    await act({ route: "hold", names, body: { reason: options.reason }, done }, options);
  });
}
