import type pg from "pg";
import { conflictError, feedLimit, historyBytes, historyLimit } from "../journal/journal.ts";
import type { BatchRows } from "../journal/rows.ts";

/** The channel on which a writer notifies other servers of its commits; the payload is the new position. */
export const channel = "birther_changes";

/**
 * Each statement takes all its rows as one JSON text: one round trip per table, and no array literal to escape. `$2` is
 * the position before the batch.
 */
const statements = {
  update: `UPDATE machines SET revision = new.revision, document = new.document
    FROM json_to_recordset($1) AS new (id text, base bigint, revision bigint, document text)
    WHERE machines.id = new.id AND machines.revision = new.base`,
  insert: `INSERT INTO machines (id, revision, document)
    SELECT id, revision, document FROM json_to_recordset($1) AS new (id text, revision bigint, document text)`,
  drop: `DELETE FROM machines USING json_to_recordset($1) AS gone (id text, base bigint)
    WHERE machines.id = gone.id AND machines.revision = gone.base`,
  release: `DELETE FROM claims USING json_to_recordset($1) AS gone (key text, id text)
    WHERE claims.key = gone.key AND claims.machine_id = gone.id`,
  take: `INSERT INTO claims (key, machine_id) SELECT key, id FROM json_to_recordset($1) AS new (key text, id text)`,
  changes: `INSERT INTO changes (position, machine_id, at_ms, by_whom, event, outcome, absorbed)
    SELECT $2::bigint + "offset", id, "atMs", by, event, outcome, absorbed
    FROM json_to_recordset($1) AS new ("offset" bigint, id text, "atMs" bigint, by text, event text, outcome text, absorbed text)`,
  documents: `INSERT INTO documents (kind, key, document, position)
    SELECT DISTINCT ON (kind, key) kind, key, document, $2::bigint + "offset"
    FROM json_to_recordset($1) AS new ("offset" bigint, kind text, key text, document text)
    ORDER BY kind, key, "offset" DESC
    ON CONFLICT (kind, key) DO UPDATE SET document = excluded.document, position = excluded.position`,
  audit: `INSERT INTO audit (position, at_ms, by_whom, action, subject, before_json, after_json, request_json)
    SELECT $2::bigint + "offset", "atMs", by, action, subject, before, after, request
    FROM json_to_recordset($1) AS new
      ("offset" bigint, "atMs" bigint, by text, action text, subject text, before text, after text, request text)`,
} as const;

/**
 * Deletes old changes of some machines: all but the last `$2` of each, and none of these after position `$3`; and all beyond
 * the last `$4` bytes of each.
 */
const prune = `WITH gone AS (
    DELETE FROM changes USING (
      SELECT id, greatest(
        (SELECT least(position, $3::bigint) FROM changes WHERE machine_id = id ORDER BY position DESC OFFSET $2 LIMIT 1),
        (SELECT max(position) FROM (
          SELECT position, sum(octet_length(event) + octet_length(outcome)) OVER (ORDER BY position DESC) AS bytes
          FROM changes WHERE machine_id = id
        ) AS sized WHERE bytes > $4)
      ) AS last
      FROM json_array_elements_text($1) AS id
    ) AS old
    WHERE changes.machine_id = old.id AND changes.position <= old.last
    RETURNING position
  )
  UPDATE feed SET oldest = greatest(oldest, (SELECT max(position) + 1 FROM gone))`;

const finish = `WITH counted AS (UPDATE feed SET position = $1),
  signed AS (
    INSERT INTO writers (id, batch, position, at_ms) VALUES ($2, $3, $4, extract(epoch FROM now()) * 1000)
    ON CONFLICT (id) DO UPDATE SET batch = excluded.batch, position = excluded.position, at_ms = excluded.at_ms
  )
  SELECT pg_notify('${channel}', $1::text)`;

/**
 * Writes a batch on top of a position, in a transaction that holds the lock on the feed's row. The statements are sent
 * together, and carried out in this order. Throws `conflictError` when the database does not hold the records that the batch
 * was decided on; the caller rolls back.
 */
export async function writeRows(
  client: pg.Client,
  rows: BatchRows,
  as: { readonly position: number; readonly writer: string; readonly batch: number },
): Promise<void> {
  const { position } = as;
  const of = (
    name: keyof typeof statements,
    list: readonly unknown[],
    ...more: readonly unknown[]
  ): pg.QueryConfig[] =>
    list.length === 0 ? [] : [{ name, text: statements[name], values: [JSON.stringify(list), ...more] }];
  const updated = rows.saved.filter(({ base }) => base !== undefined);
  const found = [...of("drop", rows.dropped), ...of("update", updated)];
  const queries = [
    ...found,
    ...of(
      "insert",
      rows.saved.filter(({ base }) => base === undefined),
    ),
    ...of("release", rows.released),
    ...of("take", rows.taken),
    ...of("changes", rows.changes, position),
    ...of("documents", rows.documents, position),
    ...of("audit", rows.audit, position),
  ];
  const prunes = { name: "prune", text: prune };
  if (rows.pruned.length > 0)
    queries.push({
      ...prunes,
      values: [JSON.stringify(rows.pruned), historyLimit, position - feedLimit, historyBytes],
    });
  const finishes = { name: "finish", text: finish };
  queries.push({ ...finishes, values: [position + rows.count, as.writer, as.batch, position] });
  const results = await Promise.all(queries.map((query) => client.query(query)));
  const held = results.slice(0, found.length).reduce((sum, { rowCount }) => sum + (rowCount ?? 0), 0);
  const missed = rows.dropped.length + updated.length - held;
  if (missed > 0) throw conflictError(`batch: expected the records that it was decided on, found ${missed} other ones`);
}
