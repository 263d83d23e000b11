/** One step: the same text for both databases, or one text each if their JSON syntax differs. */
export type Migration = string | { readonly sqlite: string; readonly postgres: string };
export type Dialect = "sqlite" | "postgres";

/**
 * Step 3. Every change gets its position in one order of the whole fleet. Old changes were never on a feed, so it
 * begins after them. Small records are documents beside the machines; a dropped one stays as a row without contents, so
 * that other servers notice. `writers` records the result of a transaction whose connection was lost (PostgreSQL).
 */
const positions = `
  CREATE TABLE changes (
    position BIGINT PRIMARY KEY,
    machine_id TEXT NOT NULL,
    at_ms BIGINT NOT NULL,
    by_whom TEXT,
    event TEXT NOT NULL,
    outcome TEXT NOT NULL,
    absorbed TEXT
  );
  INSERT INTO changes (position, machine_id, at_ms, event, outcome)
    SELECT row_number() OVER (ORDER BY at_ms, machine_id, revision), machine_id, at_ms, event, outcome FROM events;
  CREATE INDEX changes_of_machine ON changes (machine_id, position);
  DROP TABLE events;
  CREATE TABLE feed (
    id INTEGER PRIMARY KEY CHECK (id = 1),
    position BIGINT NOT NULL,
    oldest BIGINT NOT NULL
  );
  INSERT INTO feed (id, position, oldest)
    SELECT 1, coalesce(max(position), 0), coalesce(max(position), 0) + 1 FROM changes;
  
  CREATE TABLE documents (
    kind TEXT NOT NULL,
    key TEXT NOT NULL,
    document TEXT,
    position BIGINT NOT NULL,
    PRIMARY KEY (kind, key)
  );
  CREATE INDEX documents_by_position ON documents (position);
  INSERT INTO documents (kind, key, document, position)
    SELECT 'lesson', vendor || '\t' || product || '\t' || firmware || '\t' || client, document, 0 FROM lessons;
  DROP TABLE lessons;
  CREATE TABLE audit (
    position BIGINT PRIMARY KEY,
    at_ms BIGINT NOT NULL,
    by_whom TEXT NOT NULL,
    action TEXT NOT NULL,
    subject TEXT NOT NULL,
    before_json TEXT,
    after_json TEXT
  );
  CREATE INDEX audit_of_subject ON audit (subject, position);
  CREATE TABLE claims (
    key TEXT PRIMARY KEY,
    machine_id TEXT NOT NULL
  );
  CREATE TABLE writers (
    id TEXT PRIMARY KEY,
    batch BIGINT NOT NULL,
    position BIGINT NOT NULL,
    at_ms BIGINT NOT NULL
  );
  
`;

/**
 * Also step 3: names, permanent addresses and MAC addresses of the existing machines. An inconsistent fleet is reported
 * at the start (core/machine/check.ts) and must not prevent it.
 */
const claims = {
  sqlite: `
      INSERT OR IGNORE INTO claims (key, machine_id)
        SELECT 'mac ' || mac.value, machines.id FROM machines, json_each(machines.document, '$.macs') AS mac
        UNION ALL SELECT 'name ' || lower(document ->> '$.hostname'), id FROM machines WHERE document ->> '$.hostname' IS NOT NULL
        UNION ALL SELECT 'address ' || (document ->> '$.permanentAddress'), id FROM machines
          WHERE document ->> '$.permanentAddress' IS NOT NULL;
    `,
  postgres: `
      INSERT INTO claims (key, machine_id)
        SELECT 'mac ' || mac, id FROM machines, jsonb_array_elements_text(document::jsonb -> 'macs') AS mac
        UNION ALL SELECT 'name ' || lower(document::jsonb ->> 'hostname'), id FROM machines
          WHERE document::jsonb ->> 'hostname' IS NOT NULL
        UNION ALL SELECT 'address ' || (document::jsonb ->> 'permanentAddress'), id FROM machines
          WHERE document::jsonb ->> 'permanentAddress' IS NOT NULL
      ON CONFLICT DO NOTHING;
    `,
};

/** Step 4. The order of a machine is called `order` in its record, too; it was `ticket`. */
const orderOfRecord = {
  sqlite: `
      UPDATE machines
        SET document = json_remove(json_set(document, '$.order', json(document -> '$.ticket')), '$.ticket')
        WHERE document -> '$.ticket' IS NOT NULL;
    `,
  postgres: `
      UPDATE machines
        SET document = jsonb_set(document::jsonb - 'ticket', '{order}', document::jsonb -> 'ticket')::text
        WHERE document::jsonb -> 'ticket' IS NOT NULL;
    `,
};

/**
 * Step 5. A condition that only a rebirth ends has `remedy`; before, its reason contained one of two texts, both with
 * this ending.
 */
const remedyOfCondition = {
  sqlite: `
      UPDATE machines
        SET document = json_set(document, '$.conditions', (
          SELECT json_group_array(json(
            CASE WHEN value ->> '$.kind' = 'failing' AND value ->> '$.reason' LIKE '%ask for its rebirth%'
              THEN json_set(value, '$.remedy', 'rebirth') ELSE value END))
          FROM (SELECT value FROM json_each(document, '$.conditions') ORDER BY key)))
        WHERE document ->> '$.conditions' LIKE '%ask for its rebirth%';
    `,
  postgres: `
      UPDATE machines
        SET document = jsonb_set(document::jsonb, '{conditions}', (
          SELECT jsonb_agg(
            CASE WHEN value ->> 'kind' = 'failing' AND value ->> 'reason' LIKE '%ask for its rebirth%'
              THEN value || '{"remedy":"rebirth"}' ELSE value END ORDER BY place)
          FROM jsonb_array_elements(document::jsonb -> 'conditions') WITH ORDINALITY AS each (value, place)))::text
        WHERE document::jsonb ->> 'conditions' LIKE '%ask for its rebirth%';
    `,
};

/**
 * The schema, as the steps that led to it; the database stores the number of completed steps. Steps are only ever
 * added. The record is one JSON document, because machine requests are answered from memory, not by SQL.
 */
export const migrations: readonly Migration[] = [
  `
  CREATE TABLE machines (
    id TEXT PRIMARY KEY,
    revision BIGINT NOT NULL,
    document TEXT NOT NULL
  );
  CREATE TABLE events (
    machine_id TEXT NOT NULL,
    revision BIGINT NOT NULL,
    at_ms BIGINT NOT NULL,
    event TEXT NOT NULL,
    outcome TEXT NOT NULL,
    PRIMARY KEY (machine_id, revision)
  );
  `,
  `
  CREATE TABLE lessons (
    vendor TEXT NOT NULL,
    product TEXT NOT NULL,
    firmware TEXT NOT NULL,
    client TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (vendor, product, firmware, client)
  );
  `,
  { sqlite: `${positions}${claims.sqlite}`, postgres: `${positions}${claims.postgres}` },
  orderOfRecord,
  remedyOfCondition,
  // The request that an entry is part of.
  "ALTER TABLE audit ADD COLUMN request_json TEXT;",
  // The audit is never shortened: the entries of one request are found without reading all of it.
  {
    sqlite: "CREATE INDEX audit_of_request ON audit (json_extract(request_json, '$.id'), position);",
    postgres: "CREATE INDEX audit_of_request ON audit ((request_json::json->>'id'), position);",
  },
];

/** The text of a step for one of the databases. */
export function stepFor(migration: Migration, dialect: Dialect): string {
  return typeof migration === "string" ? migration : migration[dialect];
}
