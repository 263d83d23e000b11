import type { FleetEventsView } from "../../../contract/operator/fleet-views.ts";
import { type ChangeView, viewChange } from "../../../contract/operator/views.ts";
import { isSelected, type Selection } from "../../../core/fleet/select-machines.ts";
import type { PastChange, Store } from "../../../core/ports.ts";
import { openTurns } from "../../turns.ts";

type Asked = Selection & { readonly since?: number; readonly sinceMs?: number; readonly limit: number };
type Changes = Pick<Store, "position" | "changesSince" | "get">;

/** Changes read from the database at once. */
const pageLimit = 500;
/** Changes that one request looks through; a selection of few machines goes on with the next page. */
const lookedAtLimit = 20_000;

/** The changes of the selected machines after a position or from a time on. Those of records that are gone match no selection. */
export async function fleetEvents(
  { store, othersUpdate }: { readonly store: Changes; readonly othersUpdate: boolean },
  asked: Asked,
): Promise<FleetEventsView> {
  const { sinceMs = 0, limit } = asked;
  const selectsAll = asked.labels === undefined && asked.where === undefined;
  const isAsked = ({ atMs, machine: { id } }: PastChange) => {
    if (atMs < sinceMs) return false;
    const machine = selectsAll ? undefined : store.get(id);
    return selectsAll || (machine !== undefined && isSelected(machine, asked, othersUpdate));
  };
  let { after, incomplete } = await beginOf(store, asked);
  const events: ChangeView[] = [];
  const turns = openTurns();
  for (let lookedAt = 0; lookedAt < lookedAtLimit; ) {
    const page = await store.changesSince(after, pageLimit);
    if (page.kind === "tooOld") {
      // Changes are forgotten from the oldest on, perhaps since the last page.
      [after, incomplete] = [page.oldest - 1, true];
      continue;
    }
    for (const change of page.changes) {
      if (isAsked(change)) events.push(viewChange(change));
      after = change.position;
      if (events.length === limit) return { events, continue: after, ...(incomplete ? { incomplete } : {}) };
      if (turns.isOver()) await turns.next();
    }
    lookedAt += page.changes.length;
    if (page.changes.length < pageLimit) return { events, ...(incomplete ? { incomplete } : {}) };
  }
  return { events, continue: after, ...(incomplete ? { incomplete } : {}) };
}

type Begin = { readonly after: number; readonly incomplete: boolean };

/** The position after which the changes asked for begin. Times follow positions, up to the difference of servers' clocks. */
async function beginOf(store: Changes, { since, sinceMs = 0 }: Asked): Promise<Begin> {
  if (since !== undefined) {
    const page = await store.changesSince(since, 1);
    return page.kind === "tooOld" ? { after: page.oldest - 1, incomplete: true } : { after: since, incomplete: false };
  }
  const first = await store.changesSince(0, 1);
  let low = first.kind === "tooOld" ? first.oldest - 1 : 0;
  const isForgotten = first.kind === "tooOld";
  const oldest = await firstAfter(store, low);
  if (oldest === undefined || oldest.atMs >= sinceMs) return { after: low, incomplete: isForgotten };
  let high = store.position();
  // Halving: about 17 reads of one row for all changes that are kept.
  while (low < high) {
    const middle = Math.floor((low + high) / 2);
    const change = await firstAfter(store, middle);
    if (change === undefined || change.atMs >= sinceMs) high = middle;
    else low = change.position;
  }
  return { after: low, incomplete: false };
}

async function firstAfter(store: Changes, position: number): Promise<PastChange | undefined> {
  const page = await store.changesSince(position, 1);
  return page.kind === "changes" ? page.changes[0] : undefined;
}
