import type { RecordedAct, RequestOrigin } from "../../core/ports.ts";
import { auditFacts } from "./audit-facts.ts";

/** A row of any table, by column. 64-bit numbers come as text from PostgreSQL; both databases accept them unchanged. */
export type Row = { readonly [column: string]: unknown };

/**
 * All contents of an MDB, table by table; `key` is an expression that is unique for each row and defines the reading
 * order.
 */
export const fleetTables = {
  machines: { key: "id", columns: ["id", "revision", "document"] },
  changes: {
    key: "position",
    columns: ["position", "machine_id", "at_ms", "by_whom", "event", "outcome", "absorbed"],
  },
  documents: { key: "kind || '\t' || key", columns: ["kind", "key", "document", "position"] },
  audit: {
    key: "position",
    columns: ["position", "at_ms", "by_whom", "action", "subject", "before_json", "after_json", "request_json"],
  },
  claims: { key: "key", columns: ["key", "machine_id"] },
  feed: { key: "id", columns: ["id", "position", "oldest"] },
} as const;
export type FleetTable = keyof typeof fleetTables;

/** A database to copy from: its contents do not change while it is open. */
export type CopySource = AsyncDisposable & {
  readonly name: string;
  readonly count: (table: FleetTable) => Promise<number>;
  /** Rows in the order of their keys, after the row with key `after`; each with its key as `copy_key`. */
  readonly page: (table: FleetTable, after: unknown, limit: number) => Promise<readonly Row[]>;
};

/** A database to copy into: nothing is visible to others before `finish`. */
export type CopyTarget = AsyncDisposable & {
  readonly name: string;
  /** Whether it holds machines, changes or documents. */
  readonly isEmpty: () => Promise<boolean>;
  readonly clear: () => Promise<void>;
  readonly write: (table: FleetTable, rows: readonly Row[]) => Promise<void>;
  readonly count: (table: FleetTable) => Promise<number>;
  readonly finish: () => Promise<void>;
};

/** Rows read and written at once: a few megabytes, and a few milliseconds that block everything else. */
const pageLimit = 500;

/** The progress of a copy. */
export type CopyProgress = (done: number, total: number) => void;

/** An act of an operator with a whole database, for the audit of the copy; it gets the next position there. */
export type CopyAct = Pick<RecordedAct, "action" | "by" | "facts"> & {
  readonly atMs: number;
  readonly request: RequestOrigin;
};

/**
 * Copies a whole fleet: records, history, documents, audit, and the position of the feed. All or nothing. Refuses a
 * non-empty target before writing, unless it may be replaced. Returns the number of machines.
 */
export async function copyFleet(options: {
  readonly source: CopySource;
  readonly target: CopyTarget;
  readonly replace: boolean;
  readonly onProgress: CopyProgress;
  /** What the audit of the copy says of it; nothing if it is undefined, as for a backup. */
  readonly act?: CopyAct | undefined;
}): Promise<number> {
  const { source, target, replace, onProgress, act } = options;
  if (!(await target.isEmpty()) && !replace) {
    throw new Error(
      `copy target: expected an empty database, found a fleet in ${target.name}; use --yes to replace it with all of its history`,
    );
  }
  await target.clear();
  const counts = new Map<FleetTable, number>();
  for (const table of Object.keys(fleetTables) as FleetTable[]) counts.set(table, await source.count(table));
  const total = [...counts.values()].reduce((sum, count) => sum + count, 0);
  let [done, position, newestMs] = [0, 0, 0];
  for (const [table, count] of counts) {
    // An empty text precedes every key, as 0 precedes every number.
    let after: unknown = ["position", "id"].includes(fleetTables[table].key) && table !== "machines" ? 0 : "";
    for (;;) {
      const rows = await source.page(table, after, pageLimit);
      if (table === "feed") position = Number(rows[0]?.position ?? 0);
      const isCounted = table === "feed" && act !== undefined;
      if (rows.length > 0)
        await target.write(table, isCounted ? rows.map((row) => ({ ...row, position: position + 1 })) : rows);
      newestMs = rows.reduce((newest, { at_ms }) => Math.max(newest, Number(at_ms ?? 0)), newestMs);
      done += rows.length;
      onProgress(done, total);
      if (rows.length < pageLimit) break;
      after = rows.at(-1)?.copy_key;
      // A server that copies continues to answer requests.
      await new Promise((resolve) => setImmediate(resolve));
    }
    const written = await target.count(table);
    if (written !== count) {
      throw new Error(
        `copying table ${table} from ${source.name} to ${target.name}: expected ${count} rows, found ${written}`,
      );
    }
  }
  const newest = newestMs === 0 ? {} : { newestChangeAtMs: newestMs };
  if (act !== undefined) await target.write("audit", [auditOf(act, { position, ...newest })]);
  await target.finish();
  return counts.get("machines") ?? 0;
}

/** The row of the audit, with how far the copied fleet had come. */
function auditOf({ action, by, facts, atMs, request }: CopyAct, from: { readonly position: number }): Row {
  return {
    ...{ position: from.position + 1, at_ms: atMs, by_whom: by, action, subject: "MDB", before_json: null },
    after_json: auditFacts(undefined, { ...facts, ...from }).after ?? null,
    request_json: JSON.stringify(request),
  };
}
