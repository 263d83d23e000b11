import type { Store } from "../../../core/ports.ts";
import type { Chunk } from "./change-ring.ts";
import { eventOf, resetOf } from "./event-stream.ts";

/** Changes read from the database at once for a watcher that comes back. */
const pageLimit = 500;

/** Reads the changes after a position from the database; watchers that wait for the same page share one query. */
export function changePages(
  store: Pick<Store, "position" | "changesSince">,
  newest: () => number,
): (received: number) => Promise<Chunk> {
  const pending = new Map<number, Promise<Chunk>>();
  return (received) => {
    const known = pending.get(received);
    if (known !== undefined) return known;
    const page = readPage(store, received, newest()).finally(() => pending.delete(received));
    pending.set(received, page);
    return page;
  };
}

/** The next page, or a reset if its changes are no longer known; `reached` is the newest position before the query. */
async function readPage(
  store: Pick<Store, "position" | "changesSince">,
  received: number,
  reached: number,
): Promise<Chunk> {
  const page = await store.changesSince(received, pageLimit);
  if (page.kind === "tooOld") {
    const position = store.position();
    return { upTo: position, bytes: resetOf(position, page.oldest) };
  }
  const { changes } = page;
  const last = changes.at(-1);
  // Positions of documents are not on the feed, so a page that is not full has reached the newest position.
  const upTo =
    last === undefined || changes.length < pageLimit ? Math.max(reached, last?.position ?? 0) : last.position;
  return { upTo, bytes: Buffer.concat(changes.map(eventOf)) };
}
