import type { Machine, MachineId } from "../../core/machine/record.ts";
import type { Change } from "../../core/ports.ts";
import type { MachineEntry, RemoteChanges } from "../journal/journal.ts";
import { SplitMap } from "../split-map.ts";

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
 * Changes of others as watchers receive them; `known` is a machine as it was before. A machine that came and went in between
 * is omitted, because it has no record. After a full reload only new changes are announced: those of machines whose record is
 * another one in what was read, whatever has changed since. Yields undefined where nothing is announced, so that a long list
 * can be divided into turns.
 */
export function* changesOf(
  changes: Pick<RemoteChanges, "kind" | "changes" | "machines">,
  known: (id: MachineId) => Machine | undefined,
): Generator<Change | undefined, void, undefined> {
  const records = new SplitMap<MachineId, Machine>();
  for (const machine of changes.machines) {
    records.set(machine.id, machine);
    yield undefined;
  }
  for (const change of changes.changes) {
    const held = known(change.machine.id);
    const record = records.get(change.machine.id) ?? held;
    if (record === undefined || (changes.kind === "everything" && held?.revision === record.revision)) {
      yield undefined;
      continue;
    }
    // What an unreadable change did is not known: its machine is as it is now.
    const same = change.event.kind === "unreadable" || record.revision === change.machine.revision;
    const machine = same ? record : { ...record, ...change.machine };
    yield { ...change, machine };
  }
}
