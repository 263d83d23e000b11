import type { Command } from "commander";
import { act } from "./act.ts";
import { type ServerOptions, serverOptions } from "./server-options.ts";

/** Adds `release`: the end of a hold. */
export function releaseCommand(program: Command): void {
  const command = program.command("release <name...>").description("end the hold of machines");
  serverOptions(command).action(async (names: string[], options: ServerOptions) => {
    const done = (machine: { hostname?: string; id: string }) => `${machine.hostname ?? machine.id}: released`;
    await act({ route: "release", names, done }, options);
  });
}
