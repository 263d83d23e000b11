import type pg from "pg";
import { migrations, stepFor } from "../journal/migrations.ts";

/** Birther's advisory locks, by what they protect (postgresql.org/docs/15/explicit-locking.html#ADVISORY-LOCKS). */
export const advisoryLocks = { space: 0x6274, schema: 1, leader: 2 } as const;

/**
 * Brings the schema up to date; of several servers that start at once one does it and the others wait. Throws when the
 * database has a newer schema, or foreign tables.
 */
export async function migratePostgres(client: pg.Client, steps = migrations.length): Promise<void> {
  await client.query("BEGIN");
  try {
    await client.query("SELECT pg_advisory_xact_lock($1, $2)", [advisoryLocks.space, advisoryLocks.schema]);
    const tables = await client.query("SELECT tablename AS name FROM pg_tables WHERE schemaname = current_schema()");
    const names = tables.rows.map(({ name }) => String(name));
    if (!names.includes("birther_schema")) {
      if (names.length > 0) {
        throw new Error(
          `expected an empty database, found foreign tables (${names.slice(0, 3).join(", ")}); use a separate database for Birther`,
        );
      }
      await client.query(
        "CREATE TABLE birther_schema (version INTEGER NOT NULL); INSERT INTO birther_schema VALUES (0)",
      );
    }
    const done = Number((await client.query("SELECT version FROM birther_schema")).rows[0]?.version);
    if (done > migrations.length) {
      throw new Error(
        `expected schema ${migrations.length} or older, found ${done}, written by a newer version; upgrade Birther first`,
      );
    }
    for (const step of migrations.slice(done, steps)) await client.query(stepFor(step, "postgres"));
    await client.query("UPDATE birther_schema SET version = $1", [Math.max(done, steps)]);
    await client.query("COMMIT");
  } catch (cause) {
    await client.query("ROLLBACK");
    throw cause;
  }
}
