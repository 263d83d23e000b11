import type { Command } from "commander";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";

/** Adds `log`: prints the latest log lines of a machine. */
export function logCommand(program: Command): void {
  const command = program
    .command("log <name>")
    .description("print the latest log lines of a machine's init or agent, and the refusals it got");
  serverOptions(command).action(async (name: string, options: ServerOptions) => {
    const { openApi } = await import("../api/api.ts");
    const { lines } = await (await openApi(options)).ask<{ lines: string[] }>("log", { name });
    if (options.output === "json") printJson(lines);
    else print(...lines);
  });
}
