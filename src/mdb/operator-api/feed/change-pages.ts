import type { Store } from "../../../core/ports.ts";
import type { Chunk } from "./change-ring.ts";
import { eventOf, resetOf } from "./event-stream.ts";

/** Changes read from the database at once for a watcher that comes back. */
const pageLimit = 500;

/** What comes after a position, from the database; those who wait for the same page share one query. */
export function changePages(
  store: Pick<Store, "position" | "changesSince">,
  newest: () => number,
): (heard: number) => Promise<Chunk> {
  const asked = new Map<number, Promise<Chunk>>();
  return (heard) => {
    const known = asked.get(heard);
    if (known !== undefined) return known;
    const page = readPage(store, heard, newest()).finally(() => asked.delete(heard));
    asked.set(heard, page);
    return page;
  };
}

/** The next page, or that it is not known any more; `reached` is what was newest before it was asked for. */
async function readPage(
  store: Pick<Store, "position" | "changesSince">,
  heard: number,
  reached: number,
): Promise<Chunk> {
  const page = await store.changesSince(heard, pageLimit);
  if (page.kind === "tooOld") {
    const position = store.position();
    return { upTo: position, bytes: resetOf(position, page.oldest) };
  }
  const { changes } = page;
  const last = changes.at(-1);
  // Positions of documents are not on the feed: a page that is not full has reached what was newest.
  const upTo =
    last === undefined || changes.length < pageLimit ? Math.max(reached, last?.position ?? 0) : last.position;
  return { upTo, bytes: Buffer.concat(changes.map(eventOf)) };
}
