import { Socket } from "node:net";
import pg from "pg";
import type { PostgresConnection } from "./connection-string.ts";

/** One connection to the primary of a database. */
export type Session = {
  readonly client: pg.Client;
  /** The server's process of this session, as notifications name it. */
  readonly processId: number;
  readonly isLost: () => boolean;
  /** Calls back once, when the connection is lost without our doing. */
  readonly onLost: (then: (cause: unknown) => void) => void;
  /** Ends it at once, whatever is under way: what was not committed is rolled back by the server. */
  readonly cut: () => void;
  readonly end: () => Promise<void>;
};

const connectMs = 5000;
/** A session of ours whose client has gone lets go of its locks after this long, at the latest. */
const abandonedMs = 15_000;

const settings = `
  SET idle_in_transaction_session_timeout = ${abandonedMs};
  SET tcp_user_timeout = ${abandonedMs};
  SET lock_timeout = ${abandonedMs};
  SET client_min_messages = warning;
  SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') IN ('off', 'local');
`;

/**
 * Connects to the first of the hosts that is a primary. Throws, with each host's reason, when none is. Never asks for
 * less durability than `synchronous_commit = on`; more (`remote_apply`) is the database's to say.
 */
export async function openSession(place: PostgresConnection): Promise<Session> {
  const reasons: unknown[] = [];
  for (const connectionString of place.candidates) {
    try {
      return await connect(connectionString);
    } catch (cause) {
      reasons.push(cause);
    }
  }
  const said = reasons.map((reason) => (reason instanceof Error ? reason.message || codeOf(reason) : String(reason)));
  const [cause] = reasons;
  throw Object.assign(
    new Error(`the machine database ${place.name} cannot be opened: ${[...new Set(said)].join("; ")}`, { cause }),
    { mayPass: reasons.some(isPassing) },
  );
}

async function connect(connectionString: string): Promise<Session> {
  const socket = new Socket();
  const client = new pg.Client({
    ...{ connectionString, application_name: "birther", keepAlive: true, connectionTimeoutMillis: connectMs },
    stream: () => socket,
  });
  let lost: unknown;
  const waiting: ((cause: unknown) => void)[] = [];
  const lose = (cause: unknown) => {
    if (lost !== undefined) return;
    lost = cause;
    for (const then of waiting) then(cause);
  };
  client.on("error", lose);
  client.on("end", () => lose(new Error("the connection ended")));
  try {
    await client.connect();
    const { rows } = await client.query("SELECT pg_is_in_recovery() AS standby, pg_backend_pid() AS pid");
    if (rows[0]?.standby) throw Object.assign(new Error("it is a standby, not the primary"), { code: "25006" });
    await client.query(settings);
    return {
      client,
      processId: Number(rows[0]?.pid),
      isLost: () => lost !== undefined,
      onLost: (then) => (lost === undefined ? void waiting.push(then) : then(lost)),
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
    socket.destroy();
    throw cause;
  }
}

function codeOf(cause: unknown): string {
  return cause instanceof Error && "code" in cause ? String(cause.code) : "";
}

/** SQLSTATE classes and codes of a server that goes, comes, or is not the primary any more, and of a transaction to be tried again. */
const passing = /^(08|40|53300|55P03|57P0|25006|25P0)/;

/** What Node and `pg` say of a connection that is gone or does not come about; these have no SQLSTATE. */
const socketCode = /^(E(?!RR_)[A-Z_]+|ERR_STREAM_[A-Z_]+)$/;
const socketWords =
  /^(Connection terminated|timeout expired|Client has encountered a connection error|Client was closed|the connection )/;

/** Whether trying again, perhaps on another connection, may help: the connection or the server went, not what was asked. */
export function isPassing(cause: unknown): boolean {
  if (!(cause instanceof Error)) return false;
  if ("mayPass" in cause) return cause.mayPass === true;
  const code = codeOf(cause);
  if (/^[0-9A-Z]{5}$/.test(code) && /\d/.test(code)) return passing.test(code);
  return code === "" ? socketWords.test(cause.message) : socketCode.test(code);
}

/** Whether the database cannot hold what it was given (class 22), or it contradicts what is there (class 23). */
export function isRefusedData(cause: unknown): boolean {
  return /^2[23]...$/.test(codeOf(cause));
}
