import type { Command } from "commander";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";

/** Adds `log`: the last lines that a machine's init or sub sent. */
export function logCommand(program: Command): void {
  const command = program
    .command("log <name>")
    .description("the last lines that a machine's init or sub sent, and what was refused to it");
  serverOptions(command).action(async (name: string, options: ServerOptions) => {
    const { openApi } = await import("../api/api.ts");
    const { lines } = await (await openApi(options)).ask<{ lines: string[] }>("log", { name });
    if (options.output === "json") printJson(lines);
    else print(...lines);
  });
}
