import type pg from "pg";
import type { Machine } from "../../core/machine/record.ts";
import type { AuditEntry, PastChange, UnreadableRecord } from "../../core/ports.ts";
import {
  type AuditRow,
  auditPageLimit,
  type DocumentChange,
  feedLimit,
  feedPageLimit,
  type Holdings,
  historyLimit,
  type Journal,
  type RemoteChanges,
  readAudit,
} from "../journal/journal.ts";
import { type ChangeRow, readChange } from "../journal/read-change.ts";
import { type DocumentRow, readDocument } from "../journal/read-document.ts";
import { type KnownMachines, readMachinesInTurns } from "../journal/read-machine.ts";
import { boundedRecord } from "../journal/rows.ts";
import { forEachInTurns, sortInTurns } from "../turns.ts";

/** Records read at once: the client hands over the rows of a page in one piece, and packets wait for it. */
const pageLimit = 200;
/** Changes read at once, each perhaps of another record, for the same reason. */
const changesPageLimit = 200;

async function feedOf(client: pg.Client): Promise<{ readonly position: number; readonly oldest: number }> {
  const { rows } = await client.query({ name: "feed", text: "SELECT position, oldest FROM feed" });
  return { position: Number(rows[0]?.position), oldest: Number(rows[0]?.oldest) };
}

async function documentsAfter(client: pg.Client, position: number): Promise<DocumentChange[]> {
  const text = "SELECT kind, key, document, position FROM documents WHERE position > $1";
  const { rows } = await client.query<DocumentRow>({ name: "documentsAfter", text, values: [position] });
  return rows.map(readDocument);
}

async function changesAfter(client: pg.Client, position: number, limit: number): Promise<PastChange[]> {
  const text = "SELECT * FROM changes WHERE position > $1 ORDER BY position LIMIT $2";
  const { rows } = await client.query<ChangeRow>({ name: "changesAfter", text, values: [position, limit] });
  return await readChanges(rows);
}

async function readChanges(rows: readonly ChangeRow[]): Promise<PastChange[]> {
  const changes: PastChange[] = [];
  await forEachInTurns(rows, (row) => changes.push(readChange(row)));
  return changes;
}

/** All contents; the caller's transaction keeps them unchanged. */
export async function readAll(client: pg.Client): Promise<Holdings> {
  const machines: Machine[] = [];
  const unreadable: UnreadableRecord[] = [];
  const { position } = await feedOf(client);
  const text = `SELECT ${boundedRecord} FROM machines WHERE id > $1 ORDER BY id LIMIT $2`;
  for (let id = ""; ; ) {
    const { rows } = await client.query({ name: "machines", text, values: [id, pageLimit] });
    const read = await readMachinesInTurns(rows);
    machines.push(...read.machines);
    unreadable.push(...read.unreadable);
    if (rows.length < pageLimit) break;
    id = rows.at(-1).id;
  }
  return { position, machines, unreadable, documents: await documentsAfter(client, -1) };
}

/**
 * What others wrote after a position, in one statement and so of one state of the database: the feed, a page of changes, the
 * records of their machines, and documents. A server asks this for every batch of every other server. The array keeps
 * PostgreSQL from reading all machines to find a few, and the upper bounds from reading all changes and documents.
 */
const afterPosition = `WITH now AS MATERIALIZED (SELECT position, oldest FROM feed),
    page AS MATERIALIZED (
      SELECT position, machine_id, at_ms, by_whom, event, outcome, absorbed FROM changes
      WHERE position > $1 AND position <= (SELECT position FROM now) ORDER BY position LIMIT $2
    )
  SELECT 'feed' AS of, position, oldest, NULL AS machine_id, NULL::bigint AS at_ms, NULL AS by_whom, NULL AS event,
    NULL AS outcome, NULL AS absorbed, NULL AS kind, NULL AS key, NULL AS document FROM now
  UNION ALL SELECT 'change', position, NULL, machine_id, at_ms, by_whom, event, outcome, absorbed, NULL, NULL, NULL FROM page
  UNION ALL SELECT 'machine', NULL, NULL, id, NULL, NULL, NULL, NULL, NULL, NULL, NULL, document
    FROM (SELECT ${boundedRecord} FROM machines WHERE id = ANY (ARRAY (SELECT machine_id FROM page))) AS records
  UNION ALL SELECT 'document', position, NULL, NULL, NULL, NULL, NULL, NULL, NULL, kind, key, document FROM documents
    WHERE position > $1 AND position <= (SELECT position FROM now)`;

type RowAfter =
  | { readonly of: "feed"; readonly position: unknown; readonly oldest: unknown }
  | ({ readonly of: "change" } & ChangeRow)
  | { readonly of: "machine"; readonly machine_id: string; readonly document: string }
  | ({ readonly of: "document" } & DocumentRow);

/** The rows that say what others wrote after a position, not read yet. */
export type RowsAfter = { readonly since: number; readonly rows: readonly RowAfter[] };

/** Asks what others wrote after a position: one statement. */
export async function rowsAfter(client: pg.Client, since: number): Promise<RowsAfter> {
  const values = [since, changesPageLimit];
  const { rows } = await client.query<RowAfter>({ name: "afterPosition", text: afterPosition, values });
  return { since, rows };
}

/**
 * Reads what others wrote. When the changes since are no longer known, everything is read, by `everything`: several
 * statements, which must see one state of the database.
 */
export async function readRemoteChanges(
  { since, rows }: RowsAfter,
  { known, everything }: { readonly known: KnownMachines; readonly everything: () => Promise<RemoteChanges> },
): Promise<RemoteChanges> {
  const feed = rows.find((row) => row.of === "feed");
  const [position, oldest] = [Number(feed?.position), Number(feed?.oldest)];
  if (position === since)
    return { kind: "changes", position, changes: [], machines: [], unreadable: [], documents: [] };
  if (since > position || since < oldest - 1 || position - since > feedLimit) return await everything();
  const read = await readChanges(rows.filter((row) => row.of === "change"));
  const changes = read.sort((a, b) => a.position - b.position);
  const last = changes.at(-1);
  const more = last !== undefined && changes.length === changesPageLimit && last.position < position;
  const records = rows.flatMap((row) => (row.of === "machine" ? [{ id: row.machine_id, document: row.document }] : []));
  return {
    ...{ kind: "changes", changes, ...(await readMachinesInTurns(records, known)) },
    documents: rows.filter((row) => row.of === "document").map(readDocument),
    ...(more ? { position: last.position, more } : { position }),
  };
}

/** All records, and the last change of each; the caller's transaction keeps them unchanged. */
export async function readEverything(client: pg.Client): Promise<RemoteChanges> {
  const text =
    "SELECT DISTINCT ON (machine_id) * FROM changes WHERE machine_id > $1 ORDER BY machine_id, position DESC LIMIT $2";
  const changes: PastChange[] = [];
  for (let id = ""; ; ) {
    const { rows } = await client.query<ChangeRow>({ name: "lastChanges", text, values: [id, changesPageLimit] });
    const page = await readChanges(rows);
    changes.push(...page);
    const last = page.at(-1);
    if (last === undefined || page.length < changesPageLimit) break;
    id = last.machine.id;
  }
  const inOrder = await sortInTurns(changes, (a, b) => a.position - b.position);
  return { kind: "everything", changes: inOrder, ...(await readAll(client)) };
}

/** The reads of a journal, on a PostgreSQL connection. */
export const reads = {
  changesSince: async (client: pg.Client, since: number, limit: number) => {
    const { position, oldest } = await feedOf(client);
    if (since > position || since < oldest - 1) return { kind: "tooOld", oldest } as const;
    return { kind: "changes", changes: await changesAfter(client, since, Math.min(limit, feedPageLimit)) } as const;
  },
  history: async (client: pg.Client, ...[id, limit]: Parameters<Journal["history"]>) => {
    const text = "SELECT * FROM changes WHERE machine_id = $1 ORDER BY position DESC LIMIT $2";
    const { rows } = await client.query<ChangeRow>({
      name: "history",
      text,
      values: [id, Math.min(limit, historyLimit)],
    });
    return (await readChanges(rows)).reverse();
  },
  audit: async (client: pg.Client, { subject, request, beforePosition, limit }: Parameters<Journal["audit"]>[0]) => {
    const values: (string | number)[] = [beforePosition ?? Number.MAX_SAFE_INTEGER, Math.min(limit, auditPageLimit)];
    const also = (column: string, value: string | undefined) =>
      value === undefined ? "" : `AND ${column} = $${values.push(value)}`;
    const of = `${also("request_json::json->>'id'", request)} ${also("subject", subject)}`;
    const text = `SELECT * FROM audit WHERE position < $1 ${of} ORDER BY position DESC LIMIT $2`;
    const { rows } = await client.query<AuditRow>({ text, values });
    const entries: AuditEntry[] = [];
    await forEachInTurns(rows, (row) => entries.push(readAudit(row)));
    return entries;
  },
};
