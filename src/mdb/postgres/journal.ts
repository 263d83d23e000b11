import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { Clock, Log } from "../../core/ports.ts";
import { copyMdb } from "../copy-mdb.ts";
import { type Batch, conflictError, isConflict, type Journal } from "../journal/journal.ts";
import { rowsOf } from "../journal/rows.ts";
import { writeRows } from "./batch.ts";
import { parseConnectionString } from "./connection-string.ts";
import { openListener } from "./listener.ts";
import { migratePostgres } from "./migrate.ts";
import { readAll, readRemoteChanges, reads } from "./reads.ts";
import { retry } from "./retry.ts";
import { isPassing, isRefusedData, openSession, type Session } from "./session.ts";

/** What is asked of a server that does not answer any more is given up after this long, on its connection. */
const answerMs = 30_000;

/** So long a writer's signature is kept: it is asked for within minutes, after a connection was lost. */
const signedMs = 7 * 86_400_000;

export type PostgresOptions = {
  /** `postgres://…`, see postgres-place.ts. */
  readonly place: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long what waits for a database that is away keeps waiting. */
  readonly retryMs?: number;
  /** How often is looked whether others have written, in case their word was lost. */
  readonly pollMs?: number;
};

/**
 * A ledger in PostgreSQL, for several processes at once. Whoever writes locks the one row of `feed` first, reads what
 * others wrote since its last look, has its batch decided anew on that, and only then writes: so commits are one after
 * the other, in the order of their positions, and each decision stands on all that was written before it
 * (docs/decisions/several-birthers-on-one-database.md). Throws, naming the database, when it cannot be opened.
 */
export async function openPostgresJournal(options: PostgresOptions): Promise<Journal> {
  const { log, clock, retryMs = 30_000, pollMs = 5000 } = options;
  const place = parseConnectionString(options.place);
  const insist = retry({ clock, log, retryMs, name: place.name });
  const writer = randomUUID();
  let session: Session | undefined;
  let batches = 0;

  const writing = async (): Promise<Session> => {
    if (session?.isLost() === false) return session;
    session = await openSession(place);
    return session;
  };
  await insist("opened", async () => {
    const { run } = await writing();
    try {
      await run(async (client) => {
        await migratePostgres(client);
        await client.query("DELETE FROM writers WHERE at_ms < extract(epoch FROM now()) * 1000 - $1", [signedMs]);
      });
    } catch (cause) {
      session?.cut();
      if (isPassing(cause)) throw cause;
      const why = cause instanceof Error ? cause.message : String(cause);
      throw new Error(`the machine database ${place.name} cannot be used: ${why}`, { cause });
    }
  });
  const listener = await openListener({ place, clock, log, pollMs, ownProcess: () => session?.processId });

  // One transaction at a time on the one connection.
  let lastRead: Promise<unknown> = Promise.resolve();
  const reading = <T>(what: string, read: (client: pg.Client) => Promise<T>): Promise<T> => {
    const mine = lastRead.then(() =>
      insist(what, async () => {
        return await answered(await listener.session(), (client) => still(client, read));
      }),
    );
    lastRead = mine.catch(() => undefined);
    return mine;
  };

  const commit = (batch: Batch): Promise<number> => {
    batches += 1;
    const commitStatus: CommitStatus = { batch: batches, writer, isUnknown: false };
    return insist("written to", async () => {
      return await answered(await writing(), (client) => commitOn(client, batch, commitStatus));
    });
  };

  return {
    load: () => reading("read", readAll),
    commit,
    remoteChangesSince: (position) => reading("read", (client) => readRemoteChanges(client, position)),
    changesSince: (position, limit) => reading("read", (client) => reads.changesSince(client, position, limit)),
    history: (id, limit) => reading("read", (client) => reads.history(client, id, limit)),
    audit: (query) => reading("read", (client) => reads.audit(client, query)),
    backup: async (path) => {
      await copyMdb({ from: options.place, to: path, replace: false, onProgress: () => {} });
    },
    others: { watch: listener.watch, leads: listener.leads },
    [Symbol.asyncDispose]: async () => {
      insist.end();
      await listener[Symbol.asyncDispose]();
      if (session?.isLost() === false) await session.end();
    },
  };
}

/** Whether an attempt to commit a batch ended without an answer. */
type CommitStatus = { readonly batch: number; readonly writer: string; isUnknown: boolean };

async function commitOn(client: pg.Client, batch: Batch, commitStatus: CommitStatus): Promise<number> {
  await client.query("BEGIN");
  try {
    // Waits for whoever is writing; also for a former attempt of ours whose end the server has not seen yet.
    const { rows } = await client.query({ name: "lock", text: "SELECT position FROM feed FOR UPDATE" });
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
    if (position !== batch.since()) batch.applyRemote(await readRemoteChanges(client, batch.since()));
    const entries = batch.entries();
    if (entries.length === 0) {
      await client.query("ROLLBACK");
      return position;
    }
    await writeRows(client, rowsOf(entries), { position, writer: commitStatus.writer, batch: commitStatus.batch });
    commitStatus.isUnknown = true;
    const { command } = await client.query("COMMIT");
    // A server that rolls back instead says so by the tag (postgresql.org/docs/15/sql-commit.html).
    if (command === "COMMIT") return position;
    commitStatus.isUnknown = false;
    throw conflictError("the database rolled back what was to be committed");
  } catch (cause) {
    // On a connection that is gone this fails as well, and the server rolls back by itself.
    await client.query("ROLLBACK").catch(() => undefined);
    if (isConflict(cause)) throw cause;
    if (isRefusedData(cause)) throw conflictError("the database does not take what was decided", cause);
    throw cause;
  }
}

/** Runs reads that shall see one state of the database. */
async function still<T>(client: pg.Client, read: (client: pg.Client) => Promise<T>): Promise<T> {
  await client.query("BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
  try {
    const found = await read(client);
    await client.query("COMMIT");
    return found;
  } catch (cause) {
    await client.query("ROLLBACK").catch(() => undefined);
    throw cause;
  }
}

/** Waits for a server's answers, but not for ever: then the connection is cut, and what waits on it fails. */
async function answered<T>(session: Session, ask: (client: pg.Client) => Promise<T>): Promise<T> {
  const timer = setTimeout(session.cut, answerMs);
  try {
    return await session.run(ask);
  } finally {
    clearTimeout(timer);
  }
}
