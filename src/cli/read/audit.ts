import type { Command } from "commander";
import type { AuditAnswer } from "../../contract/operator/answers/audit.ts";
import { counted, formatCount } from "../../core/bytes/counted.ts";
import { printJson, printLines, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { formatTime, formatTimeZone, timeTitle } from "../output/figures.ts";
import { formatTable } from "../output/table.ts";

type Entry = AuditAnswer["entries"][number];
type AuditOptions = ServerOptions & { readonly limit: string; readonly request?: string; readonly changes?: true };

/** Adds `audit`: lists who changed what. */
export function auditCommand(program: Command): void {
  const command = program
    .command("audit [name]")
    .description(
      "list who changed what and why, newest first, one line a request: for a machine, for a token, or for all",
    )
    .option("-n, --limit <count>", "maximum number of changes", "100")
    .option("--request <id>", "only the changes of this request, each with the values before and after")
    .option("--changes", "each change on a line of its own, with the values before and after");
  serverOptions(command).action(async (name: string | undefined, options: AuditOptions) => {
    const { openApi } = await import("../api/api.ts");
    const { request, limit } = options;
    const query = { about: name, request, limit };
    const { entries } = await (await openApi(options)).ask<AuditAnswer>("audit", { query });
    if (options.output === "json") return printJson(entries);
    if (entries.length === 0) process.stderr.write(`${none(request)}\n`);
    else if (request !== undefined || options.changes === true) printLines(changesTable(entries));
    else printLines(requestsTable(entries));
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

/** One line for each change, with the values before and after. */
function changesTable(entries: readonly Entry[]): string[] {
  const rows = entries.map(({ atMs, by, action, subject, name, before, after }) => [
    formatTime(atMs),
    by,
    action,
    name ?? subject,
    differences(before, after).join(", ") || "-",
  ]);
  return formatTable([timeTitle(), "WHO", "ACTION", "SUBJECT", "BEFORE AND AFTER"], rows);
}

/** Facts that every change alters; they carry no information here. */
const omitted: ReadonlySet<string> = new Set(["id", "createdAtMs", "revision", "timeline", "lastSeenAtMs", "wayBack"]);

/** `state: healthy → rebirth`, for each fact that changed. */
function differences(before: unknown, after: unknown): string[] {
  const [was, is] = [before, after].map((value) => (value ?? {}) as { readonly [name: string]: unknown });
  const names = new Set([...Object.keys(was ?? {}), ...Object.keys(is ?? {})]);
  return [...names]
    .filter((name) => !omitted.has(name))
    .map((name) => `${name}: ${shown(name, was?.[name])} → ${shown(name, is?.[name])}`);
}

function shown(name: string, value: unknown): string {
  if (value === undefined) return "-";
  if (typeof value === "number" && name.endsWith("AtMs")) return formatTimeZone(value);
  return typeof value === "string" ? value : JSON.stringify(value);
}
