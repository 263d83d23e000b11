import type pg from "pg";
import type { Clock, Log } from "../../core/ports.ts";
import { channel } from "./batch.ts";
import type { PostgresConnection } from "./connection-string.ts";
import { advisoryLocks } from "./migrate.ts";
import { openSession, type Session } from "./session.ts";

/** Reads on a connection of its own, hears there of what others write, and holds the lead there. */
export type Listener = AsyncDisposable & {
  /** The connection, opened again if it was lost. */
  readonly session: () => Promise<Session>;
  readonly watch: (onNews: () => void) => void;
  readonly leads: () => boolean;
};

/** Polls without an answer after which we do not lead any more: the server may have given the lead away. */
const silentPolls = 3;

/**
 * Listens on a database. A notification can be lost with a connection, so that it is looked now and then, and after each
 * reconnection. The lead is an advisory lock of the session: whoever loses the connection loses the lead.
 */
export async function openListener(deps: {
  readonly place: PostgresConnection;
  readonly clock: Clock;
  readonly log: Log;
  readonly pollMs: number;
  /** The server's process of our own writing connection: its notifications are no news. */
  readonly ownProcess: () => number | undefined;
}): Promise<Listener> {
  const { place, clock, log, pollMs, ownProcess } = deps;
  let opening: Promise<Session> | undefined;
  let current: Session | undefined;
  let leadsUntilMs = 0;
  let closed = false;
  let onNews = () => {};

  const open = async (): Promise<Session> => {
    const session = await openSession(place);
    session.client.on("notification", ({ processId }) => {
      if (processId !== ownProcess()) onNews();
    });
    session.onLost((cause) => {
      leadsUntilMs = 0;
      if (!closed) log("warn", "the connection that hears of others' changes is lost", { cause });
    });
    await session.run((client) => client.query(`LISTEN ${channel}`));
    current = session;
    await session.run(takeLead);
    onNews();
    return session;
  };
  const session = async (): Promise<Session> => {
    if (closed) throw new Error(`the machine database ${place.name} is closed`);
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
      log("info", "this process leads: it sends webhooks and applies policies", { database: place.name });
    }
    leadsUntilMs = untilMs;
  };
  const poll = async (): Promise<void> => {
    try {
      await takeLead((await session()).client);
      onNews();
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
      onNews = then;
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
