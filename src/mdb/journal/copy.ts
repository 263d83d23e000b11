/** A row of any table, by column. Numbers of 64 bits come as text from PostgreSQL and go as they are into both. */
export type Row = { readonly [column: string]: unknown };

/** All that an MDB holds, table by table; `key` is an expression that is different for each row, in which order it is read. */
export const fleetTables = {
  machines: { key: "id", columns: ["id", "revision", "document"] },
  changes: {
    key: "position",
    columns: ["position", "machine_id", "at_ms", "by_whom", "event", "outcome", "absorbed"],
  },
  documents: { key: "kind || '\t' || key", columns: ["kind", "key", "document", "position"] },
  audit: {
    key: "position",
    columns: ["position", "at_ms", "by_whom", "action", "subject", "before_json", "after_json"],
  },
  claims: { key: "key", columns: ["key", "machine_id"] },
  feed: { key: "id", columns: ["id", "position", "oldest"] },
} as const;
export type FleetTable = keyof typeof fleetTables;

/** A database that is copied from: it stands still for as long as it is open. */
export type CopySource = AsyncDisposable & {
  readonly name: string;
  readonly count: (table: FleetTable) => Promise<number>;
  /** Rows in the order of their keys, from behind the one whose key is `after`; each with its key as `copy_key`. */
  readonly page: (table: FleetTable, after: unknown, limit: number) => Promise<readonly Row[]>;
};

/** A database that is copied into: nothing is there for others before `finish`. */
export type CopyTarget = AsyncDisposable & {
  readonly name: string;
  /** Whether there are machines, changes or documents in it. */
  readonly isEmpty: () => Promise<boolean>;
  readonly clear: () => Promise<void>;
  readonly write: (table: FleetTable, rows: readonly Row[]) => Promise<void>;
  readonly count: (table: FleetTable) => Promise<number>;
  readonly finish: () => Promise<void>;
};

/** Rows read and written at once: a few megabytes, and a few milliseconds during which nothing else is done. */
const pageLimit = 500;

/** How far a copy is. */
export type CopyProgress = (done: number, total: number) => void;

/**
 * Copies a whole fleet: records, history, documents, audit, and the position of the feed. All or nothing. Refuses, before
 * it writes, a target that is not empty, unless it may be replaced. Returns how many machines there were.
 */
export async function copyFleet(options: {
  readonly source: CopySource;
  readonly target: CopyTarget;
  readonly replace: boolean;
  readonly onProgress: CopyProgress;
}): Promise<number> {
  const { source, target, replace, onProgress } = options;
  if (!(await target.isEmpty()) && !replace) {
    throw new Error(`${target.name} holds a fleet already; give --yes to replace it, and all of its history`);
  }
  await target.clear();
  const counts = new Map<FleetTable, number>();
  for (const table of Object.keys(fleetTables) as FleetTable[]) counts.set(table, await source.count(table));
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  let done = 0;
  for (const [table, count] of counts) {
    // An empty text is before every key, as 0 is before every number.
    let after: unknown = ["position", "id"].includes(fleetTables[table].key) && table !== "machines" ? 0 : "";
    for (;;) {
      const rows = await source.page(table, after, pageLimit);
      if (rows.length > 0) await target.write(table, rows);
      done += rows.length;
      onProgress(done, total);
      if (rows.length < pageLimit) break;
      after = rows.at(-1)?.copy_key;
      // A server that copies goes on answering meanwhile.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const written = await target.count(table);
    if (written !== count) {
      throw new Error(`${count} rows of ${table} were in ${source.name}, and ${written} arrived in ${target.name}`);
    }
  }
  await target.finish();
  return counts.get("machines") ?? 0;
}
