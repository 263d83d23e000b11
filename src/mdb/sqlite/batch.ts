import type { DatabaseSync, StatementSync } from "node:sqlite";
import { conflictError, feedLimit, historyBytes, historyLimit } from "../journal/journal.ts";
import type { BatchRows } from "../journal/rows.ts";

type Value = string | number | null;
/** The values of all rows of a table, row after row. */
type Values = readonly Value[];

/**
 * A batch as the database thread takes it: lists of plain values, because copying an object per row between threads,
 * with its field names, costs four times as much.
 */
export type SqliteBatch = { readonly [T in keyof typeof columns]: Values } & {
  /** The number of positions it takes. */
  readonly count: number;
  /** Machines whose old changes may be deleted now. */
  readonly pruned: readonly string[];
};

/** The values of a row of each list, in order. */
const columns = {
  inserted: ["id", "revision", "document"],
  updated: ["id", "revision", "document", "base"],
  dropped: ["id", "base"],
  released: ["key", "machine_id"],
  taken: ["key", "machine_id"],
  changes: ["position", "machine_id", "at_ms", "by_whom", "event", "outcome", "absorbed"],
  documents: ["kind", "key", "document", "position"],
  audit: ["position", "at_ms", "by_whom", "action", "subject", "before_json", "after_json", "request_json"],
} as const;

/** The lists of a batch that is written on top of a position. */
export function sqliteBatch(rows: BatchRows, since: number): SqliteBatch {
  const inserted: Value[] = [];
  const updated: Value[] = [];
  const changes: Value[] = [];
  for (const { id, base, revision, document } of rows.saved) {
    if (base === undefined) inserted.push(id, revision, document);
    else updated.push(id, revision, document, base);
  }
  for (const { offset, id, atMs, by, event, outcome, absorbed } of rows.changes) {
    changes.push(since + offset, id, atMs, by, event, outcome, absorbed);
  }
  return {
    ...{ count: rows.count, pruned: rows.pruned, inserted, updated, changes },
    dropped: rows.dropped.flatMap(({ id, base }) => [id, base]),
    released: rows.released.flatMap(({ key, id }) => [key, id]),
    taken: rows.taken.flatMap(({ key, id }) => [key, id]),
    documents: rows.documents.flatMap(({ offset, kind, key, document }) => [kind, key, document, since + offset]),
    audit: rows.audit.flatMap(({ offset, atMs, by, action, subject, before, after, request }) => [
      ...[since + offset, atMs, by, action, subject, before, after, request],
    ]),
  };
}

/** Rows per statement: most of the cost of a row is the call. */
const groupRows = 16;

/**
 * Writes a batch on top of a position; throws when the database does not hold the records that the batch was decided
 * on.
 */
export function batchWriter(database: DatabaseSync): (since: number, batch: SqliteBatch) => void {
  const insert = inserter(database, "machines", columns.inserted);
  const update = database.prepare("UPDATE machines SET revision = ?2, document = ?3 WHERE id = ?1 AND revision = ?4");
  const drop = database.prepare("DELETE FROM machines WHERE id = ?1 AND revision = ?2");
  const release = database.prepare("DELETE FROM claims WHERE key = ?1 AND machine_id = ?2");
  const take = inserter(database, "claims", columns.taken);
  const note = inserter(database, "changes", columns.changes);
  const put = database.prepare(
    `INSERT INTO documents (kind, key, document, position) VALUES (?1, ?2, ?3, ?4)
     ON CONFLICT (kind, key) DO UPDATE SET document = excluded.document, position = excluded.position`,
  );
  const audit = inserter(database, "audit", columns.audit);
  const advance = database.prepare("UPDATE feed SET position = ?1");
  const oldOf = database.prepare(
    "SELECT position FROM changes WHERE machine_id = ?1 ORDER BY position DESC LIMIT 1 OFFSET ?2",
  );
  const beyondBytes = database.prepare(
    `SELECT max(position) AS position FROM (
       SELECT position, sum(octet_length(event) + octet_length(outcome)) OVER (ORDER BY position DESC) AS bytes
       FROM changes WHERE machine_id = ?1
     ) WHERE bytes > ?2`,
  );
  const forget = database.prepare("DELETE FROM changes WHERE machine_id = ?1 AND position <= ?2");
  const shorten = database.prepare("UPDATE feed SET oldest = max(oldest, ?1)");

  return (since, batch) => {
    const isHeld = (statement: StatementSync) => (row: Values) => {
      if (Number(statement.run(...row).changes) === 1) return;
      throw conflictError(
        `record of ${row[0]}: expected the revision that the batch was decided on, found another one`,
      );
    };
    insert(batch.inserted);
    eachRow(batch.updated, columns.updated.length, isHeld(update));
    eachRow(batch.dropped, columns.dropped.length, isHeld(drop));
    eachRow(batch.released, columns.released.length, (row) => release.run(...row));
    take(batch.taken);
    note(batch.changes);
    eachRow(batch.documents, columns.documents.length, (row) => put.run(...row));
    audit(batch.audit);
    for (const id of batch.pruned) {
      const beyondCount = Math.min(Number(oldOf.get(id, historyLimit)?.position ?? 0), since - feedLimit);
      const last = Math.max(beyondCount, Number(beyondBytes.get(id, historyBytes)?.position ?? 0));
      if (last <= 0) continue;
      forget.run(id, last);
      shorten.run(last + 1);
    }
    advance.run(since + batch.count);
  };
}

/** Inserts rows, many per statement while there are many. */
function inserter(database: DatabaseSync, table: string, names: readonly string[]): (values: Values) => void {
  const row = `(${names.map(() => "?").join(", ")})`;
  const statementFor = (rows: number) =>
    database.prepare(`INSERT INTO ${table} (${names.join(", ")}) VALUES ${Array(rows).fill(row).join(", ")}`);
  const one = statementFor(1);
  const many = statementFor(groupRows);
  const groupValues = groupRows * names.length;
  return (values) => {
    const grouped = values.length - (values.length % groupValues);
    eachRow(values.slice(0, grouped), groupValues, (group) => many.run(...group));
    eachRow(values.slice(grouped), names.length, (last) => one.run(...last));
  };
}

function eachRow(values: Values, width: number, write: (row: Values) => void): void {
  for (let at = 0; at < values.length; at += width) write(values.slice(at, at + width));
}
