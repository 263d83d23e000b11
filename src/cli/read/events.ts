import type { Command } from "commander";
import type { FleetEventsView } from "../../contract/operator/fleet-views.ts";
import type { ChangeView, MachineView } from "../../contract/operator/views.ts";
import { type SelectionOptions, selectionOptions } from "../act/selection.ts";
import type { Api } from "../api/api.ts";
import { failure } from "../api/failure.ts";
import type { ServerOptions } from "../api/server-options.ts";
import { eventListing } from "../output/event-text.ts";
import { limitOption } from "../output/limit.ts";
import { listOptions, printList } from "../output/listing.ts";
import { sinceOption } from "../output/since.ts";
import { warn } from "../output/warn.ts";

type EventsOptions = ServerOptions & SelectionOptions & { readonly limit?: number; readonly since?: number };

/** Requests for the pages of one listing: more than the database keeps. */
const pageLimit = 1000;

/** Events of one machine without `--since`. */
const defaultLimit = 50;

/** Adds `events`: lists the events of a machine, or of many. */
export function eventsCommand(program: Command): void {
  const command = program
    .command("events [name]")
    .description("list the events of a machine, or of all or the selected machines since a time; oldest first")
    .addOption(sinceOption("from an age such as 15m, 1h, 2d, or a time such as 2026-03-01T08:00 on"))
    .addOption(limitOption("events", `print the latest events only; without --since ${defaultLimit} of them`));
  selectionOptions(command);
  listOptions(command, eventListing).action(async (name: string | undefined, options: EventsOptions) => {
    const isSelected = options.labels !== undefined || options.where !== undefined;
    if (name !== undefined && isSelected) throw failure("misused", "expected a name or a selection, found both");
    if (name === undefined && options.since === undefined)
      throw failure("misused", "expected the name of a machine, or --since: birther events --since 1h");
    const { limit, since } = options;
    const { openApi } = await import("../api/api.ts");
    const api = await openApi(options);
    const events = await (since === undefined
      ? latestOf(api, name ?? "", limit ?? defaultLimit)
      : eventsSince(api, { name, ...options, limit, sinceMs: since }));
    await printList(eventListing, { rows: events, none: "no events" }, options);
  });
}

async function latestOf(api: Api, name: string, limit: number): Promise<readonly ChangeView[]> {
  return (await api.ask<{ events: ChangeView[] }>("events", { name, query: { limit: String(limit) } })).events;
}

type EventsSince = SelectionOptions & {
  readonly name: string | undefined;
  readonly sinceMs: number;
  readonly limit: number | undefined;
};

async function eventsSince(
  api: Api,
  { name, labels, where, sinceMs, limit = Number.POSITIVE_INFINITY }: EventsSince,
): Promise<readonly ChangeView[]> {
  const one = name === undefined ? where : `id=${(await api.ask<MachineView>("get", { name })).id}`;
  let events: ChangeView[] = [];
  let from: { readonly since?: string; readonly sinceMs?: string } = {
    sinceMs: String(Math.max(0, Math.round(sinceMs))),
  };
  for (let page = 0; page < pageLimit; page += 1) {
    const query = { ...from, labels, where: one, limit: "5000" };
    const answer = await api.ask<FleetEventsView>("fleetEvents", { query });
    if (answer.incomplete === true) warn("older events are no longer kept");
    events.push(...answer.events);
    if (events.length > limit) events = events.slice(-limit);
    if (answer.continue === undefined) break;
    from = { since: String(answer.continue) };
  }
  return events;
}
