import type { Command } from "commander";
import type { ChangeView } from "../../contract/operator/views.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { eventCells, eventTitles } from "../output/event-text.ts";
import { formatTable } from "../output/table.ts";

/** Adds `events`: lists the events of a machine. */
export function eventsCommand(program: Command): void {
  const command = program
    .command("events <name>")
    .description("list the events of a machine, oldest first")
    .option("-n, --limit <count>", "maximum number of events", "50");
  serverOptions(command).action(async (name: string, options: ServerOptions & { limit: string }) => {
    const { openApi } = await import("../api/api.ts");
    const query = { limit: options.limit };
    const { events } = await (await openApi(options)).ask<{ events: ChangeView[] }>("events", { name, query });
    if (options.output === "json") printJson(events);
    else print(...formatTable(eventTitles, events.map(eventCells)));
  });
}
