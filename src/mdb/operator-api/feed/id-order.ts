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
  // Only newcomers matter; a removed machine is skipped.
  store.watch(({ machine: { id } }) => {
    if (!known.has(id)) ids = undefined;
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
  return function* (after) {
    const order = sorted();
    for (let at = firstBehind(order, after); at < order.length; at += 1) {
      const machine = store.get(order[at] as MachineId);
      if (machine !== undefined) yield machine;
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
