import { dominatorMdbText, dominatorRow } from "../../core/export/dominator-mdb.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import type { Store } from "../../core/ports.ts";

/** The Dominator's MDB of a fleet, kept up with its changes: a change costs the row of one machine, whatever the fleet's size. */
export type DominatorMdb = Disposable & {
  /** The whole of it as JSON text in parts, as it is now. */
  readonly text: () => Iterable<string>;
  /** How many machines are in it. */
  readonly machines: () => number;
  /** Calls back when a row was added, changed or dropped. */
  readonly onChanged: (listener: () => void) => void;
};

/** Follows a store. Rows stand in the order in which their machines were first seen here. */
export function openDominatorMdb(store: Store): DominatorMdb {
  const rows = new Map<MachineId, string>();
  let listener = () => {};

  const put = (machine: Machine): boolean => {
    const row = dominatorRow(machine);
    if (row === undefined) return rows.delete(machine.id);
    const line = JSON.stringify(row);
    if (rows.get(machine.id) === line) return false;
    rows.set(machine.id, line);
    return true;
  };
  for (const machine of store.list()) put(machine);
  const end = store.watch(({ machine, absorbed = [] }) => {
    const dropped = absorbed.filter((id) => rows.delete(id)).length > 0;
    if (!put(machine) && !dropped) return;
    listener();
  });
  return {
    text: () => dominatorMdbText([...rows.values()]),
    machines: () => rows.size,
    onChanged: (next) => {
      listener = next;
    },
    [Symbol.dispose]: end,
  };
}
