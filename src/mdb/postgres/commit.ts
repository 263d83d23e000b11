import type pg from "pg";
import { type Batch, conflictError, isConflict } from "../journal/journal.ts";
import { rowsOf } from "../journal/rows.ts";
import { writeRows } from "./batch.ts";
import { type RowsAfter, readEverything, readRemoteChanges, rowsAfter } from "./reads.ts";
import { isRefusedData } from "./session.ts";

/** Whether an attempt to commit a batch ended without an answer. */
export type CommitStatus = { readonly batch: number; readonly writer: string; isUnknown: boolean };

/**
 * Commits a batch, decided again on what others wrote since; returns the position before its first entry. Throws
 * `conflictError` when the database rejects it.
 */
export async function commitOn(client: pg.Client, batch: Batch, commitStatus: CommitStatus): Promise<number> {
  try {
    // Sent together. The second waits for the current writer; also for an earlier attempt of ours whose end the server has
    // not noticed yet. The third sees all that was committed before the second has the row.
    const [, { rows }, after] = await Promise.all([
      client.query("BEGIN"),
      client.query({ name: "lock", text: "SELECT position FROM feed FOR UPDATE" }),
      rowsAfter(client, batch.since()),
    ]);
    const position = Number(rows[0]?.position);
    if (commitStatus.isUnknown) {
      const text = "SELECT position FROM writers WHERE id = $1 AND batch = $2";
      const [written] = (await client.query(text, [commitStatus.writer, commitStatus.batch])).rows;
      if (written !== undefined) {
        await client.query("ROLLBACK");
        return Number(written.position);
      }
      commitStatus.isUnknown = false;
    }
    await catchUp(client, { batch, position, after });
    const entries = batch.entries();
    if (entries.length === 0) {
      await client.query("ROLLBACK");
      return position;
    }
    await writeRows(client, rowsOf(entries), { position, writer: commitStatus.writer, batch: commitStatus.batch });
    commitStatus.isUnknown = true;
    const { command } = await client.query("COMMIT");
    // A server that rolls back instead reports it by the tag (postgresql.org/docs/15/sql-commit.html).
    if (command === "COMMIT") return position;
    commitStatus.isUnknown = false;
    throw conflictError("committing: expected a commit, found a rollback by the database");
  } catch (cause) {
    // On a lost connection this fails as well, and the server rolls back by itself.
    await client.query("ROLLBACK").catch(() => undefined);
    if (isConflict(cause)) throw cause;
    if (isRefusedData(cause)) throw conflictError("the database rejected the batch", cause);
    throw cause;
  }
}

/** Has the batch decided on all that others wrote up to the position of the lock. */
async function catchUp(
  client: pg.Client,
  of: { readonly batch: Batch; readonly position: number; readonly after: RowsAfter },
): Promise<void> {
  const { batch, position } = of;
  for (let { after } = of; position !== batch.since(); after = await rowsAfter(client, batch.since())) {
    await batch.applyRemote(
      await readRemoteChanges(after, { known: batch.known, everything: () => readEverything(client) }),
    );
  }
}
