import { fleetRow } from "../../../core/fleet/columns.ts";
import type { MachineId } from "../../../core/machine/record.ts";
import type { Store } from "../../../core/ports.ts";
import { jsonText } from "../../http/json-answer.ts";
import { forEachInTurns } from "../../turns.ts";
import { type ChangeFeed, feedOver } from "./change-feed.ts";
import type { Chunk } from "./change-ring.ts";
import { resetOf } from "./event-stream.ts";
import { feedWatchers } from "./watchers.ts";

/** The longest time for which changes are collected: a screen draws no more often than it can be seen. */
const collectMs = 100;
/** What is kept for a watcher that comes back: half a minute at full speed. */
const keptChunks = 300;
const keptBytes = 8 * 1024 * 1024;

const encoder = new TextEncoder();

/** Rows after one position and up to another; they tell of each machine as it was then, so reading them twice does no harm. */
type Kept = Chunk & { readonly after: number };

type Rows = Pick<Store, "watch" | "position" | "get" | "progress" | "watchProgress">;

/** Between two positions: rows without a change of a record, such as those of a machine that tells its progress. */
const betweenPositions = 2 ** -24;

/**
 * The feed of rows for screens of the whole fleet: each machine that changed, once in a tenth of a second, whatever happened
 * to it. Rows are made once for all watchers, and not at all without any; a watcher that falls behind reads the fleet again.
 */
export function rowFeed(
  store: Rows,
  of: { readonly othersUpdate: boolean; readonly soon?: (act: () => void) => void },
): ChangeFeed {
  const soon = of.soon ?? ((act) => void setTimeout(act, collectMs).unref());
  const changed = new Set<MachineId>();
  const kept: Kept[] = [];
  let bytesHeld = 0;
  let newest = store.position();
  let isAwaited = false;

  const clear = () => {
    changed.clear();
    kept.length = 0;
    bytesHeld = 0;
    newest = store.position();
  };
  const watchers = feedWatchers(clear);

  async function collect(): Promise<void> {
    const ids = [...changed];
    changed.clear();
    // Rows may be newer than this position; those of the changes after it come once more.
    const upTo = store.position();
    const bytes = await rowsText(store, { ids, position: upTo, othersUpdate: of.othersUpdate });
    isAwaited = false;
    if (watchers.count() === 0) return clear();
    // Beyond the position of a watcher that has just arrived and has read the fleet without these rows.
    const end = Math.max(upTo, newest) + betweenPositions;
    kept.push({ after: newest, upTo: end, bytes });
    bytesHeld += bytes.length;
    newest = end;
    while (kept.length > keptChunks || bytesHeld > keptBytes) bytesHeld -= kept.shift()?.bytes.length ?? 0;
    watchers.wakeSoon();
    if (changed.size > 0) collectSoon();
  }
  function collectSoon(): void {
    if (isAwaited) return;
    isAwaited = true;
    soon(() => void collect());
  }

  store.watch(({ machine, absorbed = [], position }) => {
    if (watchers.count() === 0) {
      newest = position;
      return;
    }
    for (const id of [machine.id, ...absorbed]) changed.add(id);
    collectSoon();
  });
  store.watchProgress((id) => {
    if (watchers.count() === 0) return;
    changed.add(id);
    collectSoon();
  });
  return feedOver({
    ring: {
      newest: () => newest,
      reaches: (received) => received >= (kept[0]?.after ?? newest),
      chunkAfter: (received) => {
        const parts = kept.filter(({ upTo }) => upTo > received);
        return { upTo: newest, bytes: Buffer.concat(parts.map(({ bytes }) => bytes)) };
      },
    },
    watchers,
    pageAfter: async () => ({ upTo: newest, bytes: resetOf(Math.floor(newest), Math.floor(kept[0]?.after ?? newest)) }),
    position: store.position,
  });
}

async function rowsText(
  store: Pick<Store, "get" | "progress">,
  { ids, position, othersUpdate }: { ids: readonly MachineId[]; position: number; othersUpdate: boolean },
): Promise<Uint8Array> {
  const rows: string[] = [];
  const gone: MachineId[] = [];
  await forEachInTurns(ids, (id) => {
    const machine = store.get(id);
    if (machine === undefined) gone.push(id);
    else rows.push(jsonText(fleetRow(machine, othersUpdate, store.progress(machine))));
  });
  // One row is as FleetRowsView has it.
  const data = `{"position":${position},"rows":[${rows.join(",")}],"gone":${jsonText(gone)}}`;
  return encoder.encode(`id: ${position}\nevent: rows\ndata: ${data}\n\n`);
}
