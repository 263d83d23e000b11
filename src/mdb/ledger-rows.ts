import type { MachineId } from "../core/machine/record.ts";
import type { Entry } from "./ledger.ts";

/** An entry as a database takes it: the record, the event and its outcome as JSON text. */
export type LedgerRow = {
  readonly id: MachineId;
  readonly revision: number;
  readonly atMs: number;
  /** Left out where a later row of the same batch has the same machine's newer record. */
  readonly document?: string;
  readonly event: string;
  readonly outcome: string;
  readonly absorbed: readonly MachineId[];
};

/** The rows of a batch, in its order. Of several changes to one machine only the last record is written; their events all are. */
export function rowsOf(entries: readonly Entry[]): LedgerRow[] {
  const last = new Map<MachineId, number>();
  for (const { machine } of entries) last.set(machine.id, machine.revision);
  return entries.map(({ machine, event, atMs, absorbed }) => {
    const { id, revision, state, generation, conditions, hostname, phase } = machine;
    return {
      ...{ id, revision, atMs, absorbed },
      ...(last.get(id) === revision ? { document: JSON.stringify(machine) } : {}),
      event: JSON.stringify(event),
      outcome: JSON.stringify({ id, revision, state, generation, conditions, hostname, phase }),
    };
  });
}
