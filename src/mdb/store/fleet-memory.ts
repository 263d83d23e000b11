import type { Decision, MachineEvent } from "../../core/machine/event.ts";
import { type Context, nameOf } from "../../core/machine/life/move.ts";
import { decide } from "../../core/machine/life/table.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { type LargeEvents, largeRecords, sizeOf, whyTooLarge } from "../../core/machine/size-limits.ts";
import type { ApplyOptions, RequestOrigin } from "../../core/ports.ts";
import type { Holdings, MachineEntry, RemoteChanges } from "../journal/journal.ts";
import { type FleetIndex, indexFleet } from "./fleet-index.ts";
import { type UnreadableRecords, unreadableRecords } from "./unreadable-records.ts";

/** An event to decide, and to decide again if others have written first. */
export type Ask = ApplyOptions & {
  readonly event: MachineEvent;
  readonly atMs: number;
  readonly request?: RequestOrigin;
};

/** A decision; `entries` are written in one transaction, `subject` is the machine that it was decided on. */
export type Outcome = {
  readonly decision: Decision;
  readonly subject?: Machine;
  readonly entries: readonly MachineEntry[];
};

/**
 * The fleet as it will be when all decisions are written, and for each machine with unwritten changes the record that
 * the database holds.
 */
export type FleetMemory = {
  readonly fleet: () => FleetIndex;
  readonly unreadable: Pick<UnreadableRecords, "list" | "find">;
  /** Decides on the current fleet, and applies the decision to it. */
  readonly decide: (ask: Ask) => Outcome;
  /** Whether a decision about the machine is not written yet. */
  readonly isPending: (id: MachineId) => boolean;
  /** Marks these as written to the database. */
  readonly written: (entries: readonly MachineEntry[]) => void;
  /** Forgets all unwritten decisions. */
  readonly rollBack: () => void;
  /** Applies what others wrote; nothing may be pending. `everything` takes the place of the whole fleet. */
  readonly apply: (changes: RemoteChanges, everything?: FleetIndex) => void;
};

/** What decisions depend on beside the machines, and how many characters large records may have together. */
export type FleetSite = Pick<Context, "imageFor" | "othersUpdate"> & { readonly largeRecordBudget: number };

/**
 * A memory of a database's contents. Of large records, those of other servers count from the next start on, because
 * measuring them would hold up packets.
 */
export function fleetMemory(holdings: Holdings, { largeRecordBudget, ...site }: FleetSite): FleetMemory {
  let fleet = indexFleet(holdings.machines);
  const large = largeRecords(largeRecordBudget);
  for (const machine of holdings.machines) large.note(machine);
  const unreadable = unreadableRecords(holdings.unreadable);
  const pending = new PendingChanges();
  const largeEvents: LargeEvents = new Map();

  const decideNow = (ask: Ask): Outcome => {
    const { event, expectRevision, guard } = ask;
    const before = "id" in event ? fleet.get(event.id) : fleet.byMac(event.mac);
    const subject = before === undefined ? {} : { subject: before };
    if (before !== undefined && expectRevision !== undefined && before.revision !== expectRevision) {
      return { decision: changedMeanwhile(before, expectRevision), ...subject, entries: [] };
    }
    const size = sizeOf(event);
    const refusal = unreadable.whyNot(event) ?? guard?.() ?? whyTooLarge(largeEvents, { event, size }, ask.atMs);
    if (refusal !== undefined) return { decision: { kind: "refused", refusal }, ...subject, entries: [] };
    const decision = decide(before, event, { nowMs: ask.atMs, ...site, ...knowledgeOf(fleet) });
    const { machine } = decision;
    if (machine === undefined || machine === before) return { decision, ...subject, entries: [] };
    const excess = large.whyTooLarge(machine, size);
    if (excess !== undefined) return { decision: { kind: "refused", refusal: excess }, ...subject, entries: [] };
    const { absorbed = [], others = [] } = decision.kind === "changed" ? decision : {};
    for (const gone of absorbed) large.forget(gone);
    const changed = { machine, others, absorbed: absorbed.flatMap((id) => fleet.get(id) ?? []) };
    return { decision, ...subject, entries: enterChange(changed, ask, { fleet, pending }) };
  };

  return {
    fleet: () => fleet,
    unreadable,
    isPending: (id) => pending.has(id),

    decide: decideNow,

    written: (entries) => {
      for (const { machine, absorbed } of entries) {
        for (const gone of absorbed) pending.conclude(gone.id, undefined);
        pending.conclude(machine.id, machine);
      }
    },

    rollBack: () => pending.rollBack(fleet),

    apply: (changes, everything) => {
      if (changes.kind === "everything") {
        fleet = everything ?? indexFleet(changes.machines);
        unreadable.clear();
        unreadable.apply([], changes.unreadable);
        return;
      }
      unreadable.apply(changes.machines, changes.unreadable);
      const there = new Set(changes.machines.map(({ id }) => id));
      for (const { machine, absorbed = [] } of changes.changes) {
        for (const id of [...absorbed, machine.id]) {
          if (there.has(id)) continue;
          fleet.remove(id);
          large.forget(id);
        }
      }
      for (const machine of changes.machines) fleet.put(machine);
    },
  };
}

/** The records that a decision changes: the machine, those that lose something to it, and those that it absorbs. */
type ChangedFleet = {
  readonly machine: Machine;
  readonly others: readonly Machine[];
  readonly absorbed: readonly Machine[];
};

/** Applies a decision to the fleet; returns what the database must learn, in order. */
function enterChange(
  changed: ChangedFleet,
  { event, atMs, by, request }: Ask,
  { fleet, pending }: { readonly fleet: FleetIndex; readonly pending: PendingChanges },
): readonly MachineEntry[] {
  for (const gone of changed.absorbed) {
    pending.note(gone.id, gone);
    fleet.remove(gone.id);
  }
  const caller = by ?? ("by" in event ? event.by : undefined);
  const entryOf = (machine: Machine, absorbed: readonly Machine[]): MachineEntry => {
    const before = fleet.get(machine.id);
    pending.note(machine.id, before);
    fleet.put(machine);
    const entry = { kind: "machine", machine, before, event, atMs, absorbed } as const;
    if (caller === undefined) return entry;
    return { ...entry, by: caller, ...(request === undefined ? {} : { request }) };
  };
  // First the machines that lose something to it.
  return [...changed.others.map((other) => entryOf(other, [])), entryOf(changed.machine, changed.absorbed)];
}

/** The machines with unwritten changes, each with the record that the database holds. */
class PendingChanges {
  readonly #changes = new Map<MachineId, { held: Machine | undefined; count: number }>();

  has(id: MachineId): boolean {
    return this.#changes.has(id);
  }

  /** Notes a change of a machine, of which the database holds this record unless it has a pending change already. */
  note(id: MachineId, held: Machine | undefined): void {
    const known = this.#changes.get(id);
    if (known === undefined) this.#changes.set(id, { held, count: 1 });
    else known.count += 1;
  }

  /** A change was written: the database now holds this record. */
  conclude(id: MachineId, held: Machine | undefined): void {
    const known = this.#changes.get(id);
    if (known === undefined) return;
    known.count -= 1;
    known.held = held;
    if (known.count === 0) this.#changes.delete(id);
  }

  /** Sets the fleet back to what the database holds. */
  rollBack(fleet: FleetIndex): void {
    // Remove all first, because one may give up what another takes.
    for (const id of this.#changes.keys()) fleet.remove(id);
    for (const { held } of this.#changes.values()) if (held !== undefined) fleet.put(held);
    this.#changes.clear();
  }
}

/** What a decision may ask about other machines. */
function knowledgeOf(fleet: FleetIndex) {
  return {
    nameHolder: fleet.byName,
    addressHolder: fleet.byAddress,
    macHolder: fleet.byMac,
    announcedAt: fleet.announcedAt,
    machinesWith: fleet.machinesWith,
    byId: fleet.get,
  };
}

function changedMeanwhile(machine: Machine, expected: number): Decision {
  const refusal = {
    kind: "changedMeanwhile",
    message: `${nameOf(machine)}: expected revision ${expected}, found ${machine.revision}`,
    next: "read the record again, and retry if the change is still wanted",
  } as const;
  return { kind: "refused", refusal };
}
