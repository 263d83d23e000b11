import type pg from "pg";
import type { Clock, Log } from "../../core/ports.ts";
import { channel } from "./batch.ts";
import type { PostgresConnection } from "./connection-string.ts";
import { advisoryLocks } from "./migrate.ts";
import { openSession, type Session } from "./session.ts";

/** Reads on its own connection, receives notifications of other servers' changes there, and holds the lead. */
export type Listener = AsyncDisposable & {
  /** The connection, reopened if it was lost. */
  readonly session: () => Promise<Session>;
  readonly watch: (onRemoteChanges: () => void) => void;
  readonly leads: () => boolean;
};

/**
 * Number of polls without an answer after which we stop leading, because the server may have given the lead to another.
 */
const silentPolls = 3;

/**
 * Listens on a database. Notifications can be lost with a connection, so it also polls at intervals and after each
 * reconnection. The lead is an advisory lock of the session, so losing the connection loses the lead.
 */
export async function openListener(deps: {
  readonly connection: PostgresConnection;
  readonly clock: Clock;
  readonly log: Log;
  readonly pollMs: number;
  /** The server process of our own writing connection, whose notifications are ignored. */
  readonly ownProcess: () => number | undefined;
}): Promise<Listener> {
  const { connection, clock, log, pollMs, ownProcess } = deps;
  let opening: Promise<Session> | undefined;
  let current: Session | undefined;
  let leadsUntilMs = 0;
  let closed = false;
  let onRemoteChanges = () => {};

  const open = async (): Promise<Session> => {
    const session = await openSession(connection);
    session.client.on("notification", ({ processId }) => {
      if (processId !== ownProcess()) onRemoteChanges();
    });
    session.onLost((cause) => {
      leadsUntilMs = 0;
      if (!closed) log("warn", "lost the connection for notifications of other servers' changes", { cause });
    });
    await session.run((client) => client.query(`LISTEN ${channel}`));
    current = session;
    await session.run(takeLead);
    onRemoteChanges();
    return session;
  };
  const session = async (): Promise<Session> => {
    if (closed) throw new Error(`the machine database ${connection.name} is closed`);
    if (current?.isLost() === false) return current;
    opening ??= open().finally(() => {
      opening = undefined;
    });
    return await opening;
  };
  const takeLead = async (client: pg.Client): Promise<void> => {
    const untilMs = clock.monotonicMs() + silentPolls * pollMs;
    if (leadsUntilMs > 0) await client.query("SELECT");
    else {
      const { rows } = await client.query("SELECT pg_try_advisory_lock($1, $2) AS leads", [
        advisoryLocks.space,
        advisoryLocks.leader,
      ]);
      if (!rows[0]?.leads) return;
      log("info", "this server is now the lead: it sends webhooks and applies policies", { database: connection.name });
    }
    leadsUntilMs = untilMs;
  };
  const poll = async (): Promise<void> => {
    try {
      await takeLead((await session()).client);
      onRemoteChanges();
    } catch (cause) {
      if (!closed) log("debug", "the database does not answer", { cause });
    } finally {
      if (!closed) timer = setTimeout(poll, pollMs);
    }
  };
  await session();
  let timer = setTimeout(poll, pollMs);

  return {
    session,
    watch: (then) => {
      onRemoteChanges = then;
    },
    leads: () => !closed && leadsUntilMs > clock.monotonicMs(),
    [Symbol.asyncDispose]: async () => {
      closed = true;
      clearTimeout(timer);
      await opening?.catch(() => undefined);
      if (current?.isLost() === false) await current.end();
    },
  };
}
