import { NOTFOUND } from "node:dns";
import { Socket } from "node:net";
import { getSystemErrorMap } from "node:util";
import pg from "pg";
import { errorCode } from "../../core/error-code.ts";
import type { PostgresConnection } from "./connection-string.ts";

/** One connection to the primary of a database. */
export type Session = {
  readonly client: pg.Client;
  /** Runs work on the connection; an error caused by a lost connection is passing (`isPassing`). */
  readonly run: <T>(work: (client: pg.Client) => Promise<T>) => Promise<T>;
  /** The server process of this session, as notifications name it. */
  readonly processId: number;
  readonly isLost: () => boolean;
  /** Calls back once when the connection is lost, but not when we close it. */
  readonly onLost: (then: (cause: unknown) => void) => void;
  /** Cuts the connection at once; the server rolls back uncommitted work. */
  readonly cut: () => void;
  readonly end: () => Promise<void>;
};

const connectMs = 5000;
/** The server ends a session of ours whose client is gone, and its locks, after this time at the latest. */
const abandonedMs = 15_000;

/**
 * Every statement of ours finds a few rows by their keys, over and over, so it is planned once, and without joins that read a whole
 * table: in a new database, which has no statistics yet, an update of five machines read all of them. lz4 compresses records,
 * which are written whole, for a fraction of the time that pglz takes.
 */
const settings = `
  SET idle_in_transaction_session_timeout = ${abandonedMs};
  SET tcp_user_timeout = ${abandonedMs};
  SET lock_timeout = ${abandonedMs};
  SET client_min_messages = warning;
  SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local');
  SET enable_hashjoin = off;
  SET enable_mergejoin = off;
  SELECT set_config(name, wanted, false) FROM pg_settings JOIN (VALUES
      ('plan_cache_mode', 'force_generic_plan'), ('default_toast_compression', 'lz4')) AS cheap (name, wanted) USING (name)
    WHERE wanted = ANY (enumvals);
`;

/**
 * Connects to the first host that is a primary. Throws an error with each host's reason when none is. Never requests
 * less durability than `synchronous_commit = on`; more (`remote_apply`) is configured in the database.
 */
export async function openSession(connection: PostgresConnection): Promise<Session> {
  const reasons: unknown[] = [];
  for (const connectionString of connection.candidates) {
    try {
      return await connect(connectionString);
    } catch (cause) {
      reasons.push(cause);
    }
  }
  const messages = reasons.map((reason) =>
    reason instanceof Error ? reason.message || errorCode(reason) : String(reason),
  );
  const [cause] = reasons;
  const message = `opening the machine database ${connection.name} failed: ${[...new Set(messages)].join("; ")}`;
  throw reasons.some(isPassing) ? passingError(message, cause) : new Error(message, { cause });
}

async function connect(connectionString: string): Promise<Session> {
  const socket = new Socket();
  const client = new pg.Client({
    ...{ connectionString, application_name: "birther", keepAlive: true },
    // What is sent at once goes out at once; each statement still fails by itself (node-postgres.com/features/pipelining).
    pipeline: true,
    stream: () => socket,
  });
  let lost: unknown;
  const listeners: ((cause: unknown) => void)[] = [];
  const lose = (cause: unknown) => {
    if (lost !== undefined) return;
    lost = cause;
    for (const then of listeners) then(cause);
  };
  client.on("error", lose);
  client.on("end", () => lose(new Error("the connection ended")));
  // Our own time-out, not the library's, so that it has a code.
  const timer = setTimeout(() => socket.destroy(connectTimeout()), connectMs);
  try {
    await client.connect();
    clearTimeout(timer);
    const { rows } = await client.query("SELECT pg_is_in_recovery() AS standby, pg_backend_pid() AS pid");
    if (rows[0]?.standby) throw passingError("expected the primary, found a standby");
    await client.query(settings);
    return {
      client,
      run: async (work) => {
        try {
          return await work(client);
        } catch (cause) {
          throw lost === undefined || cause instanceof pg.DatabaseError ? cause : passingError(messageOf(cause), cause);
        }
      },
      processId: Number(rows[0]?.pid),
      isLost: () => lost !== undefined,
      onLost: (then) => (lost === undefined ? void listeners.push(then) : then(lost)),
      cut: () => {
        lost ??= new Error("the connection was cut");
        socket.destroy();
      },
      end: async () => {
        lost ??= new Error("the connection is closed");
        await client.end();
      },
    };
  } catch (cause) {
    // The library's own errors have no code; on a closed socket it means that the server hung up.
    const hungUp = socket.destroyed && cause instanceof Error && errorCode(cause) === "";
    socket.destroy();
    throw hungUp ? passingError(cause.message, cause) : cause;
  } finally {
    clearTimeout(timer);
  }
}

function connectTimeout(): Error {
  return Object.assign(new Error(`no answer within ${connectMs / 1000} s`), { code: "ETIMEDOUT" });
}

function messageOf(cause: unknown): string {
  return cause instanceof Error ? cause.message : String(cause);
}

/** An error after which a retry, perhaps on another connection, may succeed. */
function passingError(message: string, cause?: unknown): Error {
  return Object.assign(new Error(message, { cause }), { mayPass: true });
}

/** Classes of SQLSTATE (PostgreSQL 15, appendix A), their first two characters. */
const sqlClasses = { dataException: "22", integrityViolation: "23", connection: "08", rollback: "40" } as const;

/** SQLSTATEs of a server that shuts down, starts, or is no longer the primary, and of a transaction to retry. */
const passingStates: ReadonlySet<string> = new Set([
  ...["57P01", "57P02", "57P03", "57P04", "57P05"], // shut down, crashed, starting, database dropped, session idle for too long
  ...["25006", "25P01", "25P02", "25P03", "25P04"], // read only; the transaction ended without us
  ...["53300", "55P03"], // too many connections, lock not available
]);

/** Node's codes for failures of the system, the network and the name service, e.g. `ECONNREFUSED`. */
const systemCodes: ReadonlySet<string> = new Set([
  NOTFOUND,
  ...[...getSystemErrorMap().values()].map(([name]) => name),
]);

/**
 * Whether a retry, perhaps on another connection, may succeed: the connection or the server failed, not the request.
 */
export function isPassing(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  if ("mayPass" in cause) return cause.mayPass === true;
  if (!(cause instanceof pg.DatabaseError)) return systemCodes.has(errorCode(cause));
  return isOfClass(cause, sqlClasses.connection, sqlClasses.rollback) || passingStates.has(errorCode(cause));
}

/** Whether the database cannot store the given data, or the data contradict its contents. */
export function isRefusedData(cause: unknown): boolean {
  return cause instanceof pg.DatabaseError && isOfClass(cause, sqlClasses.dataException, sqlClasses.integrityViolation);
}

function isOfClass({ code = "" }: pg.DatabaseError, ...classes: readonly string[]): boolean {
  return classes.includes(code.slice(0, 2));
}
