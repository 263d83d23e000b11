import { fleetRow } from "../../../core/fleet/columns.ts";
import type { ImportProgress } from "../../../core/image/import-progress.ts";
import type { MachineId } from "../../../core/machine/record.ts";
import type { Store } from "../../../core/ports.ts";
import { jsonText } from "../../http/json-answer.ts";
import { forEachInTurns } from "../../turns.ts";
import type { Imports } from "../imports.ts";
import { type ChangeFeed, feedOver } from "./change-feed.ts";
import type { Chunk } from "./change-ring.ts";
import { resetOf } from "./event-stream.ts";
import { joinParts, packPart } from "./packed-stream.ts";
import { feedWatchers } from "./watchers.ts";

/**
 * For how long changes are collected: a tenth of a second, and longer for many watchers, because what each costs is the number
 * of its chunks: 50 get five in two seconds, 125 and more one a second.
 */
export function collectMs(watchers: number): number {
  return Math.min(1000, Math.max(100, 8 * watchers));
}

/** What is kept for a watcher that comes back: half a minute at full speed. */
const chunksLimit = 300;
const bytesLimit = 8 * 1024 * 1024;

const encoder = new TextEncoder();

/** Rows after one position and up to another; they tell of each machine as it was then, so reading them twice does no harm. */
type Kept = Required<Chunk> & { readonly after: number };

type Rows = Pick<Store, "watch" | "position" | "get" | "progress" | "watchProgress">;

/** Between two positions: rows without a change of a record, such as those of a machine that tells its progress. */
const betweenPositions = 2 ** -24;

/**
 * The feed of rows for screens of the whole fleet: each machine that changed, at most once in the time of `collectMs`, whatever
 * happened to it. Rows are made and compressed once for all watchers, and not at all without any; a watcher that falls behind
 * reads the fleet again.
 */
export function rowFeed(
  store: Rows,
  of: {
    readonly othersUpdate: boolean;
    readonly ending?: AbortSignal | undefined;
    readonly imports?: Imports;
    readonly soon?: (act: () => void, afterMs: number) => void;
  },
): ChangeFeed {
  const soon = of.soon ?? ((act, afterMs) => void setTimeout(act, afterMs).unref());
  const changed = new Set<MachineId>();
  let importsChanged = false;
  const kept = keptChunks();
  let newest = store.position();
  let isAwaited = false;

  const clear = () => {
    changed.clear();
    kept.clear();
    newest = store.position();
  };
  const watchers = feedWatchers(clear, of.ending);

  async function collect(): Promise<void> {
    const ids = [...changed];
    changed.clear();
    const imports = importsChanged ? of.imports?.current() : undefined;
    importsChanged = false;
    // Rows may be newer than this position; those of the changes after it come once more.
    const upTo = store.position();
    const bytes = await rowsText(store, { ids, position: upTo, othersUpdate: of.othersUpdate, imports });
    const packed = await packPart(bytes);
    isAwaited = false;
    if (watchers.count() === 0) return clear();
    // Beyond the position of a watcher that has just arrived and has read the fleet without these rows.
    const end = Math.max(upTo, newest) + betweenPositions;
    kept.add({ after: newest, upTo: end, bytes, packed });
    newest = end;
    watchers.wakeSoon();
    if (changed.size > 0 || importsChanged) collectSoon();
  }
  function collectSoon(): void {
    if (isAwaited) return;
    isAwaited = true;
    soon(() => void collect(), collectMs(watchers.count()));
  }

  watchRows(store, of, {
    position: (position) => {
      if (watchers.count() === 0) newest = position;
    },
    take: (ids) => {
      if (watchers.count() === 0) return;
      if (ids === "imports") importsChanged = true;
      else for (const id of ids) changed.add(id);
      collectSoon();
    },
  });
  return feedOver({
    ring: {
      newest: () => newest,
      reaches: (received) => received >= (kept.begin() ?? newest),
      chunkAfter: (received) => kept.after(received) ?? { upTo: newest, bytes: Buffer.alloc(0) },
    },
    watchers,
    pageAfter: async () => ({ upTo: newest, bytes: resetOf(Math.floor(newest), Math.floor(kept.begin() ?? newest)) }),
    position: store.position,
  });
}

/** Hands on what changes, until the server ends. */
function watchRows(
  store: Pick<Rows, "watch" | "watchProgress">,
  { ending, imports }: { readonly ending?: AbortSignal | undefined; readonly imports?: Imports },
  on: { readonly position: (position: number) => void; readonly take: (ids: readonly MachineId[] | "imports") => void },
): void {
  const unwatch = store.watch(({ machine, absorbed = [], position }) => {
    on.position(position);
    on.take([machine.id, ...absorbed]);
  });
  const unwatchProgress = store.watchProgress((id) => on.take([id]));
  if (imports !== undefined) imports.onChange = () => on.take("imports");
  const end = () => {
    unwatch();
    unwatchProgress();
  };
  ending?.addEventListener("abort", end, { once: true });
}

/** The newest chunks. */
function keptChunks() {
  const kept: Kept[] = [];
  let bytesHeld = 0;
  const sizeOf = ({ bytes, packed }: Kept) => bytes.length + packed.bytes.length;
  return {
    /** The position after which they begin. */
    begin: () => kept[0]?.after,
    add: (chunk: Kept): void => {
      kept.push(chunk);
      bytesHeld += sizeOf(chunk);
      for (let oldest = kept[0]; oldest !== undefined; oldest = kept[0]) {
        if (kept.length <= chunksLimit && bytesHeld <= bytesLimit) return;
        bytesHeld -= sizeOf(oldest);
        kept.shift();
      }
    },
    clear: (): void => {
      kept.length = 0;
      bytesHeld = 0;
    },
    /** All after a position, as one. Watchers that are up to date share the newest as it is. */
    after: (position: number): Chunk | undefined => {
      const parts = kept.filter(({ upTo }) => upTo > position);
      const last = parts.at(-1);
      if (last === undefined || parts.length === 1) return last;
      return {
        upTo: last.upTo,
        bytes: Buffer.concat(parts.map(({ bytes }) => bytes)),
        packed: joinParts(parts.map(({ packed }) => packed)),
      };
    },
  };
}

type Collected = {
  readonly ids: readonly MachineId[];
  readonly position: number;
  readonly othersUpdate: boolean;
  readonly imports: readonly ImportProgress[] | undefined;
};

async function rowsText(
  store: Pick<Store, "get" | "progress">,
  { ids, position, othersUpdate, imports }: Collected,
): Promise<Uint8Array> {
  const rows: string[] = [];
  const gone: MachineId[] = [];
  await forEachInTurns(ids, (id) => {
    const machine = store.get(id);
    if (machine === undefined) gone.push(id);
    else rows.push(jsonText(fleetRow(machine, othersUpdate, store.progress(machine))));
  });
  const also = imports === undefined ? "" : `,"imports":${jsonText(imports)}`;
  // One row is as FleetRowsView has it.
  const data = `{"position":${position},"rows":[${rows.join(",")}],"gone":${jsonText(gone)}${also}}`;
  return encoder.encode(`id: ${position}\nevent: rows\ndata: ${data}\n\n`);
}
