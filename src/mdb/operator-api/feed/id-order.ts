import type { Machine, MachineId } from "../../../core/machine/record.ts";
import type { Store } from "../../../core/ports.ts";
import { oneByOne } from "../../one-by-one.ts";
import { SplitMap } from "../../split-map.ts";
import { forEachInTurns } from "../../turns.ts";

/** The machines in the order of their ids, starting after an id. */
export type IdOrder = (after: string) => Promise<Iterable<Machine>>;

/**
 * Keeps the machines' ids in order, so that the cost of a page depends on its size and not on the fleet's. An id never
 * changes, so paging by it shows each machine once, whatever happens to names and states meanwhile.
 */
export function idOrder(store: Pick<Store, "list" | "get" | "watch">, ending?: AbortSignal): IdOrder {
  // Before the first request: a list that is in order already costs a few milliseconds.
  const machines = store.list();
  // Weak: of a fleet that was read again, the old one must not stay in memory.
  let fleet = new WeakRef(machines);
  const ids = machines.map(({ id }) => id).sort();
  const known = new SplitMap<MachineId, true>();
  for (const id of ids) known.set(id, true);
  // Sorting 100,000 ids anew for each newcomer would hold up packets for tens of milliseconds.
  const add = (id: MachineId) => {
    if (known.has(id)) return;
    known.set(id, true);
    ids.splice(firstBehind(ids, id), 0, id);
  };
  const drop = (id: MachineId) => {
    if (known.delete(id)) ids.splice(firstBehind(ids, id) - 1, 1);
  };
  const unwatch = store.watch(({ machine: { id }, absorbed = [] }) => {
    for (const gone of absorbed) drop(gone);
    add(id);
  });
  ending?.addEventListener("abort", unwatch, { once: true });
  /** A store that reloads its fleet has another list, and announces no machine that came or went. */
  const catchUp = async () => {
    const machines = store.list();
    if (machines === fleet.deref() && machines.length === known.size) return;
    await forEachInTurns([...ids], (id) => {
      if (store.get(id) === undefined) drop(id);
    });
    await forEachInTurns([...machines], ({ id }) => {
      if (store.get(id) !== undefined) add(id);
    });
    fleet = new WeakRef(machines);
  };
  const catchingUp = oneByOne();
  return async (after) => {
    await catchingUp(catchUp);
    return machinesAfter(ids, after, store);
  };
}

function* machinesAfter(
  ids: readonly MachineId[],
  after: string,
  store: Pick<Store, "get">,
): Generator<Machine, void, undefined> {
  let at = firstBehind(ids, after);
  for (let id = ids[at]; id !== undefined; id = ids[at]) {
    const machine = store.get(id);
    if (machine !== undefined) yield machine;
    // Newcomers may have moved it while the reader waited.
    at = ids[at] === id ? at + 1 : firstBehind(ids, id);
  }
}

/** The index of the first id after this one. */
function firstBehind(ids: readonly string[], after: string): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ids[middle] ?? "") <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
