import { type CopySource, type CopyTarget, type FleetTable, fleetTables } from "../journal/copy.ts";
import { parseConnectionString } from "./connection-string.ts";
import { migratePostgres } from "./migrate.ts";
import { openSession, type Session } from "./session.ts";

/** Opens a PostgreSQL database to copy from, in its current state; servers may continue to write. */
export async function postgresSource(text: string): Promise<CopySource> {
  const { name, session } = await open(text, "BEGIN ISOLATION LEVEL REPEATABLE READ, READ ONLY");
  const { client } = session;
  return {
    name,
    count: (table) => count(session, table),
    page: async (table, after, limit) => {
      const { key, columns } = fleetTables[table];
      const where = `SELECT ${columns.join(", ")}, ${key} AS copy_key FROM ${table} WHERE ${key} > $1 ORDER BY ${key} LIMIT $2`;
      return (await client.query(where, [after, limit])).rows;
    },
    [Symbol.asyncDispose]: () => session.end(),
  };
}

/** Opens a PostgreSQL database to copy into, in one transaction. Throws when a server uses it. */
export async function postgresTarget(text: string): Promise<CopyTarget> {
  const { name, session } = await open(text, "BEGIN");
  const { client } = session;
  const others = await client.query(
    `SELECT count(*) AS n FROM pg_stat_activity
     WHERE datname = current_database() AND application_name = 'birther' AND pid <> pg_backend_pid()`,
  );
  if (Number(others.rows[0]?.n) > 0) {
    await session.end();
    throw new Error(
      `copy target: expected a database without servers, found ${name} in use; stop all its servers first`,
    );
  }
  // A server that starts meanwhile waits here until the copy is complete.
  await client.query("LOCK TABLE feed, machines IN ACCESS EXCLUSIVE MODE");
  return {
    name,
    isEmpty: async () => {
      for (const table of ["machines", "changes", "documents"] as const) {
        if ((await count(session, table)) > 0) return false;
      }
      return true;
    },
    clear: async () => {
      await client.query(`TRUNCATE ${Object.keys(fleetTables).join(", ")}, writers`);
    },
    write: async (table, rows) => {
      const columns = fleetTables[table].columns.join(", ");
      const insert = `INSERT INTO ${table} (${columns}) SELECT ${columns} FROM json_populate_recordset(NULL::${table}, $1)`;
      await client.query(insert, [JSON.stringify(rows)]);
    },
    count: (table) => count(session, table),
    finish: async () => {
      await client.query("COMMIT");
      await client.query("ANALYZE");
    },
    [Symbol.asyncDispose]: () => session.end(),
  };
}

async function open(text: string, begin: string): Promise<{ readonly name: string; readonly session: Session }> {
  const connection = parseConnectionString(text);
  const session = await openSession(connection);
  try {
    await migratePostgres(session.client);
    await session.client.query(begin);
    // The other database may be slow.
    await session.client.query("SET LOCAL idle_in_transaction_session_timeout = 0");
    return { name: connection.name, session };
  } catch (cause) {
    session.cut();
    const why = cause instanceof Error ? cause.message : String(cause);
    throw new Error(`opening the machine database ${connection.name} failed: ${why}`, { cause });
  }
}

async function count({ client }: Session, table: FleetTable): Promise<number> {
  return Number((await client.query(`SELECT count(*) AS n FROM ${table}`)).rows[0]?.n);
}
