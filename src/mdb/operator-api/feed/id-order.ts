import type { Machine, MachineId } from "../../../core/machine/record.ts";
import type { Store } from "../../../core/ports.ts";

/** The machines in the order of their ids, from the one behind an id on. */
export type IdOrder = (after: string) => Generator<Machine, void, undefined>;

/**
 * Keeps the machines' ids in order, so that a page of a list costs what it shows and not what the fleet has. An id never
 * changes: whoever pages by it sees each machine once, whatever happens to names and states meanwhile.
 */
export function idOrder(store: Pick<Store, "list" | "get" | "watch">): IdOrder {
  let ids: MachineId[] | undefined;
  const known = new Set<MachineId>();
  // Only newcomers matter; one that ceased to exist is passed over.
  store.watch(({ machine: { id } }) => {
    if (!known.has(id)) ids = undefined;
  });
  const sorted = () => {
    const machines = store.list();
    // A store that takes its fleet in anew tells nobody of each machine.
    if (ids !== undefined && machines.length === known.size) return ids;
    ids = machines.map(({ id }) => id);
    ids.sort();
    known.clear();
    for (const id of ids) known.add(id);
    return ids;
  };
  return function* (after) {
    const order = sorted();
    for (let at = firstBehind(order, after); at < order.length; at += 1) {
      const machine = store.get(order[at] as MachineId);
      if (machine !== undefined) yield machine;
    }
  };
}

/** Where the first id behind this one stands. */
function firstBehind(ids: readonly string[], after: string): number {
  let [low, high] = [0, ids.length];
  while (low < high) {
    const middle = (low + high) >> 1;
    if ((ids[middle] ?? "") <= after) low = middle + 1;
    else high = middle;
  }
  return low;
}
