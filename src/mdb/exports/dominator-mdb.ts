import { dominatorMdbText, dominatorRow } from "../../core/export/dominator-mdb.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import type { Store } from "../../core/ports.ts";
import { jsonText } from "../http/json-answer.ts";
import { forEachInTurns } from "../turns.ts";

/**
 * The Dominator's MDB of a fleet, kept up to date: a change costs the row of one machine, whatever the fleet's size.
 */
export type DominatorMdb = Disposable & {
  /** The current MDB as JSON text in parts. */
  readonly text: () => Iterable<string>;
  /** The number of machines in it. */
  readonly machines: () => number;
  /** Calls back when a row was added, changed or removed. */
  readonly onChanged: (listener: () => void) => void;
  /** Compares all rows with the store, a few at a time; runs every ten minutes by itself. */
  readonly compare: () => Promise<void>;
};

/**
 * Interval at which all rows are compared with the store: after a long absence of its database a store reloads the
 * fleet without a change event for each machine.
 */
const compareMs = 600_000;

/** Follows a store. Rows are in the order in which their machines were first seen here. */
export function openDominatorMdb(store: Store): DominatorMdb {
  const rows = new Map<MachineId, string>();
  let listener = () => {};

  const put = (machine: Machine): boolean => {
    const row = dominatorRow(machine);
    if (row === undefined) return rows.delete(machine.id);
    const text = jsonText(row);
    if (rows.get(machine.id) === text) return false;
    rows.set(machine.id, text);
    return true;
  };
  for (const machine of store.list()) put(machine);
  const end = store.watch(({ machine, absorbed = [] }) => {
    const dropped = absorbed.filter((id) => rows.delete(id)).length > 0;
    // The current record, because the change may be a moment old.
    const now = store.get(machine.id);
    const differs = now === undefined ? rows.delete(machine.id) : put(now);
    if (differs || dropped) listener();
  });
  const compare = async (): Promise<void> => {
    let changed = false;
    await forEachInTurns([...rows.keys()], (id) => {
      if (store.get(id) === undefined) changed = rows.delete(id) || changed;
    });
    // The current record, not that of the list: a turn later it may differ.
    await forEachInTurns([...store.list()], ({ id }) => {
      const machine = store.get(id);
      if (machine !== undefined) changed = put(machine) || changed;
    });
    if (changed) listener();
  };
  const timer = setInterval(compare, compareMs);
  timer.unref();
  return {
    text: () => dominatorMdbText([...rows.values()]),
    machines: () => rows.size,
    onChanged: (next) => {
      listener = next;
    },
    compare,
    [Symbol.dispose]: () => {
      clearInterval(timer);
      end();
    },
  };
}
