import type { Command } from "commander";
import type { AuditAnswer } from "../../contract/operator/answers/audit.ts";
import { counted, formatCount } from "../../core/bytes/counted.ts";
import type { ServerOptions } from "../api/server-options.ts";
import { memberText, wordOf } from "../output/event-text.ts";
import { formatTime, timeTitle } from "../output/figures.ts";
import { limitOption } from "../output/limit.ts";
import { inWide, type Listing, listOptions, printList, textColumn, timeColumn } from "../output/listing.ts";
import { formatTable } from "../output/table.ts";

type Entry = AuditAnswer["entries"][number];
type AuditOptions = ServerOptions & { readonly limit: number; readonly request?: string; readonly changes?: true };

/** Adds `audit`: lists who changed what. */
export function auditCommand(program: Command): void {
  const command = program
    .command("audit [name]")
    .description(
      "list who changed what and why, newest first, one line a request: for a machine, for a token, or for all",
    )
    .addOption(limitOption("changes", "maximum number of changes").default(100))
    .option("--request <id>", "only the changes of this request, each with the values before and after")
    .option("--changes", "each change on a line of its own, with the values before and after");
  listOptions(command, changeListing).action(async (name: string | undefined, options: AuditOptions) => {
    const { openApi } = await import("../api/api.ts");
    const { request, limit } = options;
    const query = { about: name, request, limit: String(limit) };
    const { entries } = await (await openApi(options)).ask<AuditAnswer>("audit", { query });
    const isEach = request !== undefined || options.changes === true;
    const found = { rows: entries, none: none(request) };
    await printList(changeListing, isEach ? found : { ...found, text: () => requestsTable(entries) }, options);
  });
}

function none(request: string | undefined): string {
  return request === undefined ? "no changes are recorded yet" : `no change of request ${request} is recorded`;
}

/** One line for each request: who, from where, what was done to which machines, and why. */
export function requestsTable(entries: readonly Entry[], nowMs = Date.now()): string[] {
  const rows = requestsOf(entries).map(([first, ...more]) => [
    formatTime(first.atMs, nowMs),
    first.request?.id ?? "-",
    first.by,
    first.request?.from ?? "-",
    [...new Set([first, ...more].map(({ action }) => action))].join(", "),
    `${subjects([first, ...more])}${first.request?.reason === undefined ? "" : `: ${first.request.reason}`}`,
  ]);
  return formatTable([timeTitle(nowMs), "REQUEST", "WHO", "FROM", "ACTION", "SUBJECT AND REASON"], rows);
}

/** The entries of each request together; those without a request stay alone. */
function requestsOf(entries: readonly Entry[]): [Entry, ...Entry[]][] {
  const requests = new Map<string, [Entry, ...Entry[]]>();
  for (const entry of entries) {
    const key = entry.request?.id ?? `position ${entry.position}`;
    const known = requests.get(key);
    if (known === undefined) requests.set(key, [entry]);
    else known.push(entry);
  }
  return [...requests.values()];
}

/** Names in a line of a request; `--request` lists all. */
const namesShown = 10;

function subjects(entries: readonly Entry[]): string {
  const names = [...new Set(entries.map(({ name, subject }) => name ?? subject))].reverse();
  const more = names.length - namesShown;
  const shown = names.slice(0, namesShown).join(" ");
  return more > 0 ? `${counted(names.length, "machine")}: ${shown} and ${formatCount(more)} more` : shown;
}

/** The columns of the changes, each with the values before and after. */
export const changeListing: Listing<Entry> = {
  columns: [
    timeColumn("time", ({ atMs }) => atMs),
    textColumn("request", ({ request }) => request?.id, inWide),
    textColumn("who", ({ by }) => by),
    textColumn("from", ({ request }) => request?.from, inWide),
    textColumn("action", ({ action }) => action),
    textColumn("subject", ({ name, subject }) => name ?? subject),
    textColumn("id", ({ subject }) => subject, inWide),
    textColumn("reason", ({ request }) => request?.reason, inWide),
    {
      name: "changes",
      title: () => "BEFORE AND AFTER",
      of: ({ before, after }) => differences(before, after).join(", "),
      value: ({ before, after }) => JSON.stringify({ before, after }),
    },
  ],
};

/** Facts that every change alters; they carry no information here. */
const omitted: ReadonlySet<string> = new Set(["id", "createdAtMs", "revision", "timeline", "lastSeenAtMs", "wayBack"]);

/** `state: healthy → rebirth`, for each fact that changed. */
function differences(before: unknown, after: unknown): string[] {
  const [was, is] = [before, after].map((value) => (value ?? {}) as { readonly [name: string]: unknown });
  const names = new Set([...Object.keys(was ?? {}), ...Object.keys(is ?? {})]);
  return [...names]
    .filter((name) => !omitted.has(name))
    .map((name) => `${wordOf(name)}: ${shown(name, was?.[name])} → ${shown(name, is?.[name])}`);
}

function shown(name: string, value: unknown): string {
  return value === undefined || value === null ? "-" : memberText(name, value) || "-";
}
