/**
 * The schema, as the steps that led to it: the database remembers how many it has gone. Steps are only ever added.
 * The record is one JSON document: what is asked for by machines is answered from memory, not by SQL.
 */
export const migrations: readonly string[] = [
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
];
