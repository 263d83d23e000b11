import type { Machine, MachineId } from "../../../core/machine/record.ts";
import type { Store } from "../../../core/ports.ts";

/** The machines in the order of their ids, starting after an id. */
export type IdOrder = (after: string) => Generator<Machine, void, undefined>;

/**
 * Keeps the machines' ids in order, so that the cost of a page depends on its size and not on the fleet's. An id never
 * changes, so paging by it shows each machine once, whatever happens to names and states meanwhile.
 */
export function idOrder(store: Pick<Store, "list" | "get" | "watch">): IdOrder {
  let ids: MachineId[] | undefined;
  const known = new Set<MachineId>();
  // Sorting 100,000 ids anew for each newcomer would hold up packets for tens of milliseconds.
  store.watch(({ machine: { id }, absorbed = [] }) => {
    if (ids === undefined) return;
    for (const gone of absorbed) if (known.delete(gone)) ids.splice(firstBehind(ids, gone) - 1, 1);
    if (known.has(id)) return;
    known.add(id);
    ids.splice(firstBehind(ids, id), 0, id);
  });
  const sorted = () => {
    const machines = store.list();
    // A store that reloads its fleet announces no single machine.
    if (ids !== undefined && machines.length === known.size) return ids;
    ids = machines.map(({ id }) => id);
    ids.sort();
    known.clear();
    for (const id of ids) known.add(id);
    return ids;
  };
  // Before the first request: a list that is in order already costs a few milliseconds.
  sorted();
  return function* (after) {
    const order = sorted();
    let at = firstBehind(order, after);
    for (let id = order[at]; id !== undefined; id = order[at]) {
      const machine = store.get(id);
      if (machine !== undefined) yield machine;
      // Newcomers may have moved it while the reader waited.
      at = order[at] === id ? at + 1 : firstBehind(order, id);
    }
  };
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
