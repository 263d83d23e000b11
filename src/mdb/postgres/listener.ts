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

/** What a listener needs. */
type ListenerDeps = {
  readonly connection: PostgresConnection;
  readonly clock: Clock;
  readonly log: Log;
  readonly pollMs: number;
  /** The server process of our own writing connection, whose notifications are ignored. */
  readonly ownProcess: () => number | undefined;
};

/**
 * Listens on a database. Notifications can be lost with a connection, so it also polls at intervals and after each
 * reconnection. The lead is an advisory lock of the session, so losing the connection loses the lead.
 */
export async function openListener(deps: ListenerDeps): Promise<Listener> {
  const { log, pollMs } = deps;
  const lead = new Lead(deps);
  const listening = new ListeningSession(deps, lead);
  const poll = async (): Promise<void> => {
    try {
      await lead.take((await listening.session()).client);
      listening.onRemoteChanges();
    } catch (cause) {
      if (!listening.isClosed) log("debug", "the database does not answer", { cause });
    } finally {
      if (!listening.isClosed) timer = setTimeout(poll, pollMs);
    }
  };
  await listening.session();
  let timer = setTimeout(poll, pollMs);
  return {
    session: () => listening.session(),
    watch: (onRemoteChanges) => {
      listening.onRemoteChanges = onRemoteChanges;
    },
    leads: () => !listening.isClosed && lead.isHeld(),
    [Symbol.asyncDispose]: async () => {
      const closing = listening.close();
      clearTimeout(timer);
      await closing;
    },
  };
}

/** Whether this server is the lead: it holds an advisory lock, and the database confirmed it lately. */
class Lead {
  readonly #deps: ListenerDeps;
  /** By the monotonic clock; 0 if the lock is not held. */
  #heldUntilMs = 0;

  constructor(deps: ListenerDeps) {
    this.#deps = deps;
  }

  isHeld(): boolean {
    return this.#heldUntilMs > this.#deps.clock.monotonicMs();
  }

  /** The session is lost, and the lock with it. */
  lose(): void {
    this.#heldUntilMs = 0;
  }

  /** Takes the lock if it is free, or asks the database for a sign of life. */
  async take(client: pg.Client): Promise<void> {
    const { connection, clock, log, pollMs } = this.#deps;
    const untilMs = clock.monotonicMs() + silentPolls * pollMs;
    if (this.#heldUntilMs > 0) await client.query("SELECT");
    else {
      const { rows } = await client.query("SELECT pg_try_advisory_lock($1, $2) AS leads", [
        advisoryLocks.space,
        advisoryLocks.leader,
      ]);
      if (!rows[0]?.leads) return;
      log("info", "this server is now the lead: it sends webhooks and applies policies", { database: connection.name });
    }
    this.#heldUntilMs = untilMs;
  }
}

/** The connection that receives notifications; it is opened again when it was lost. */
class ListeningSession {
  readonly #deps: ListenerDeps;
  readonly #lead: Lead;
  #opening: Promise<Session> | undefined;
  #current: Session | undefined;
  isClosed = false;
  onRemoteChanges = () => {};

  constructor(deps: ListenerDeps, lead: Lead) {
    this.#deps = deps;
    this.#lead = lead;
  }

  async session(): Promise<Session> {
    if (this.isClosed) throw new Error(`the machine database ${this.#deps.connection.name} is closed`);
    if (this.#current?.isLost() === false) return this.#current;
    this.#opening ??= this.#open().finally(() => {
      this.#opening = undefined;
    });
    return await this.#opening;
  }

  async close(): Promise<void> {
    this.isClosed = true;
    await this.#opening?.catch(() => undefined);
    if (this.#current?.isLost() === false) await this.#current.end();
  }

  async #open(): Promise<Session> {
    const { connection, log, ownProcess } = this.#deps;
    const session = await openSession(connection);
    session.client.on("notification", ({ processId }) => {
      if (processId !== ownProcess()) this.onRemoteChanges();
    });
    session.onLost((cause) => {
      this.#lead.lose();
      if (!this.isClosed) log("warn", "lost the connection for notifications of other servers' changes", { cause });
    });
    await session.run((client) => client.query(`LISTEN ${channel}`));
    this.#current = session;
    await session.run((client) => this.#lead.take(client));
    this.onRemoteChanges();
    return session;
  }
}
