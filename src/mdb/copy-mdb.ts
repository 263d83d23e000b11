import { type CopyAct, type CopyProgress, copyFleet } from "./journal/copy.ts";
import { isPostgres } from "./postgres/connection-string.ts";

/**
 * Copies an MDB from one SQLite file or PostgreSQL database to another. Returns the number of machines. Throws, leaving
 * the target unchanged, when the target holds a fleet and may not be replaced, when a server uses it, or when the copy
 * fails.
 */
export async function copyMdb(options: {
  readonly from: string;
  readonly to: string;
  readonly replace: boolean;
  readonly onProgress: CopyProgress;
  readonly act?: CopyAct | undefined;
}): Promise<number> {
  const { from, to, replace, onProgress, act } = options;
  await using source = await open(from, "source");
  await using target = await open(to, "target");
  return await copyFleet({ source, target, replace, onProgress, act });
}

const ends = {
  source: {
    postgres: async (database: string) => (await import("./postgres/copy.ts")).postgresSource(database),
    sqlite: async (path: string) => (await import("./sqlite/copy.ts")).sqliteSource(path),
  },
  target: {
    postgres: async (database: string) => (await import("./postgres/copy.ts")).postgresTarget(database),
    sqlite: async (path: string) => (await import("./sqlite/copy.ts")).sqliteTarget(path),
  },
} as const;

function open<E extends keyof typeof ends>(database: string, end: E) {
  const { postgres, sqlite } = ends[end] as (typeof ends)[E];
  return (isPostgres(database) ? postgres(database) : sqlite(database)) as ReturnType<(typeof ends)[E]["sqlite"]>;
}
