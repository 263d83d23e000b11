import { randomUUID } from "node:crypto";
import type pg from "pg";
import type { Clock, Log } from "../../core/ports.ts";
import { copyMdb } from "../copy-mdb.ts";
import type { Batch, Journal } from "../journal/journal.ts";
import { type CommitStatus, commitOn } from "./commit.ts";
import { parseConnectionString } from "./connection-string.ts";
import { openListener } from "./listener.ts";
import { migratePostgres } from "./migrate.ts";
import { readAll, readEverything, readRemoteChanges, reads, rowsAfter } from "./reads.ts";
import { retry } from "./retry.ts";
import { isPassing, openSession, type Session } from "./session.ts";

/** How long a writer's signature is kept; after a lost connection it is needed within minutes. */
const signedMs = 7 * 86_400_000;

export type PostgresOptions = {
  /** `postgres://…`, see connection-string.ts. */
  readonly url: string;
  readonly clock: Clock;
  readonly log: Log;
  /** How long a request for an unreachable database is retried. */
  readonly retryMs?: number;
  /** Interval of polling for changes of others, in case a notification was lost. */
  readonly pollMs?: number;
  /** Time limit for the answer to one query; after it the connection is closed. Reading a large fleet takes many. */
  readonly answerMs?: number;
};

/**
 * A journal in PostgreSQL, for several processes at once. A writer first locks the one row of `feed`, reads what others
 * wrote since its last read, has its batch decided again on that, and only then writes. So commits follow each other in
 * the order of their positions, and each decision considers everything written before it
 * (docs/decisions/several-birthers-on-one-database.md). Throws an error that names the database when it cannot be
 * opened.
 */
export async function openPostgresJournal(options: PostgresOptions): Promise<Journal> {
  const { log, clock, retryMs = 30_000, pollMs = 5000, answerMs = 30_000 } = options;
  const connection = parseConnectionString(options.url);
  const retrying = retry({ clock, log, retryMs, name: connection.name });
  const writer = randomUUID();
  let session: Session | undefined;
  let batches = 0;

  const writing = async (): Promise<Session> => {
    if (session?.isLost() === false) return session;
    session = await openSession(connection);
    return session;
  };
  await retrying("opened", async () => {
    await prepareDatabase(await writing(), connection.name);
  });
  const listener = await openListener({ connection, clock, log, pollMs, ownProcess: () => session?.processId });

  // One transaction at a time on the one connection.
  let lastRead: Promise<unknown> = Promise.resolve();
  const reading = <T>(what: string, read: (client: pg.Client) => Promise<T>): Promise<T> => {
    const mine = lastRead.then(() =>
      retrying(what, async () => {
        return await answered(await listener.session(), answerMs, read);
      }),
    );
    lastRead = mine.catch(() => undefined);
    return mine;
  };
  const readingStill = <T>(read: (client: pg.Client) => Promise<T>) => reading("read", (client) => still(client, read));

  const commit = (batch: Batch): Promise<number> => {
    batches += 1;
    const commitStatus: CommitStatus = { batch: batches, writer, isUnknown: false };
    return retrying("written to", async () => {
      return await answered(await writing(), answerMs, (client) => commitOn(client, batch, commitStatus));
    });
  };

  return {
    load: () => readingStill(readAll),
    commit,
    remoteChangesSince: (position, known) =>
      reading("read", async (client) =>
        readRemoteChanges(await rowsAfter(client, position), {
          known,
          everything: () => still(client, readEverything),
        }),
      ),
    changesSince: (position, limit) => readingStill((client) => reads.changesSince(client, position, limit)),
    history: (id, limit) => readingStill((client) => reads.history(client, id, limit)),
    audit: (query) => readingStill((client) => reads.audit(client, query)),
    backup: async (path) => {
      await copyMdb({ from: options.url, to: path, replace: false, onProgress: () => {} });
    },
    others: { watch: listener.watch, leads: listener.leads },
    [Symbol.asyncDispose]: async () => {
      retrying.end();
      await listener[Symbol.asyncDispose]();
      if (session?.isLost() === false) await session.end();
    },
  };
}

/** Brings the schema up to date, and forgets the signatures of old writers; cuts the session if that fails. */
async function prepareDatabase(session: Session, name: string): Promise<void> {
  try {
    await session.run(async (client) => {
      await migratePostgres(client);
      await client.query("DELETE FROM writers WHERE at_ms < extract(epoch FROM now()) * 1000 - $1", [signedMs]);
    });
  } catch (cause) {
    session.cut();
    if (isPassing(cause)) throw cause;
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`opening the machine database ${name} failed: ${why}`, { cause });
  }
}

/** Runs reads on one consistent state of the database. */
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

/** Limits the wait for each of a server's answers: after the limit the connection is cut, and its pending queries fail. */
async function answered<T>(session: Session, answerMs: number, ask: (client: pg.Client) => Promise<T>): Promise<T> {
  const timer = setTimeout(session.cut, answerMs);
  const answer = () => void timer.refresh();
  session.client.on("drain", answer);
  try {
    return await session.run(ask);
  } finally {
    session.client.off("drain", answer);
    clearTimeout(timer);
  }
}
