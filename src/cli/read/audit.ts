import type { Command } from "commander";
import type { AuditAnswer } from "../../contract/operator/answers.ts";
import { print, printJson, type ServerOptions, serverOptions } from "../api/server-options.ts";
import { formatTime, timeTitle } from "../output/figures.ts";
import { formatTable } from "../output/table.ts";

/** Adds `audit`: lists who changed what. */
export function auditCommand(program: Command): void {
  const command = program
    .command("audit [name]")
    .description("list who changed what, newest first: for a machine, for a token, or for all")
    .option("-n, --limit <count>", "maximum number of entries", "100");
  serverOptions(command).action(async (name: string | undefined, options: ServerOptions & { limit: string }) => {
    const { openApi } = await import("../api/api.ts");
    const query = { about: name, limit: options.limit };
    const { entries } = await (await openApi(options)).ask<AuditAnswer>("audit", { query });
    if (options.output === "json") return printJson(entries);
    const rows = entries.map(({ atMs, by, action, subject, before, after }) => [
      formatTime(atMs),
      by,
      action,
      subject,
      differences(before, after).join(", ") || "-",
    ]);
    if (rows.length === 0) process.stderr.write("no changes are recorded yet\n");
    else print(...formatTable([timeTitle(), "WHO", "ACTION", "SUBJECT", "BEFORE AND AFTER"], rows));
  });
}

/** Facts that every change alters; they carry no information here. */
const omitted: ReadonlySet<string> = new Set(["id", "createdAtMs", "revision", "timeline", "lastSeenAtMs", "wayBack"]);

/** `state: healthy → rebirth`, for each fact that changed. */
function differences(before: unknown, after: unknown): string[] {
  const [was, is] = [before, after].map((value) => (value ?? {}) as { readonly [name: string]: unknown });
  const names = new Set([...Object.keys(was ?? {}), ...Object.keys(is ?? {})]);
  return [...names]
    .filter((name) => !omitted.has(name))
    .map((name) => `${name}: ${shown(was?.[name])} → ${shown(is?.[name])}`);
}

function shown(value: unknown): string {
  if (value === undefined) return "-";
  return typeof value === "string" ? value : JSON.stringify(value);
}
