import type { Command } from "commander";
import type { ChangeView } from "../../contract/operator/views.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { eventCells, eventTitles } from "../output/event-text.ts";
import { formatTable } from "../output/table.ts";

/** Adds `events`: what happened to a machine, and when. */
export function eventsCommand(program: Command): void {
  const command = program
    .command("events <name>")
    .description("what happened to a machine, oldest first")
    .option("-n, --limit <count>", "how many at most", "50");
  serverOptions(command).action(async (name: string, options: ServerOptions & { limit: string }) => {
    const { openApi } = await import("../api/api.ts");
    const query = { limit: options.limit };
    const { events } = await (await openApi(options)).ask<{ events: ChangeView[] }>("events", { name, query });
    if (options.output === "json") printJson(events);
    else print(...formatTable(eventTitles, events.map(eventCells)));
  });
}
