import type { Machine, MachineId } from "../../core/machine/record.ts";
import type { Change } from "../../core/ports.ts";
import type { MachineEntry, RemoteChanges } from "../journal/journal.ts";

/** A written change as watchers receive it. */
export function changeOf({ machine, event, atMs, by, absorbed }: MachineEntry, position: number): Change {
  const change = { machine, event, atMs, position };
  if (by === undefined && absorbed.length === 0) return change;
  return {
    ...change,
    ...(by === undefined ? {} : { by }),
    ...(absorbed.length === 0 ? {} : { absorbed: absorbed.map(({ id }) => id) }),
  };
}

/**
 * Changes of others as watchers receive them. A machine that came and went in between is omitted, because it has no
 * record. After a full reload only new changes are announced.
 */
export function* changesOf(
  changes: RemoteChanges,
  known: (id: MachineId) => Machine | undefined,
): Generator<Change, void, undefined> {
  const records = new Map<MachineId, Machine>();
  for (const machine of changes.machines) records.set(machine.id, machine);
  for (const change of changes.changes) {
    const held = known(change.machine.id);
    const record = records.get(change.machine.id) ?? held;
    if (record === undefined || (changes.kind === "everything" && held?.revision === record.revision)) continue;
    // What an unreadable change did is not known: its machine is as it is now.
    const same = change.event.kind === "unreadable" || record.revision === change.machine.revision;
    const machine = same ? record : { ...record, ...change.machine };
    yield { ...change, machine };
  }
}
