import type { Decision, MachineEvent } from "../../core/machine/event.ts";
import { nameOf } from "../../core/machine/life/move.ts";
import { decide } from "../../core/machine/life/table.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import { parseIpv4 } from "../../core/net/ipv4.ts";
import type { ApplyOptions, UnreadableRecord } from "../../core/ports.ts";
import type { Holdings, MachineEntry, RemoteChanges } from "../journal/journal.ts";
import { type FleetIndex, indexFleet } from "./fleet-index.ts";
import { unreadableRecords } from "./unreadable-records.ts";

/** An event to decide, and to decide again if others have written first. */
export type Ask = ApplyOptions & { readonly event: MachineEvent; readonly atMs: number };

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
  readonly unreadable: () => readonly UnreadableRecord[];
  /** Decides on the current fleet, and applies the decision to it. */
  readonly decide: (ask: Ask) => Outcome;
  /** Whether a decision about the machine is not written yet. */
  readonly isPending: (id: MachineId) => boolean;
  /** Marks these as written to the database. */
  readonly written: (entries: readonly MachineEntry[]) => void;
  /** Forgets all unwritten decisions. */
  readonly rollBack: () => void;
  /** Applies what others wrote; nothing may be pending. */
  readonly apply: (changes: RemoteChanges) => void;
};

/** A memory of a database's contents. */
export function fleetMemory(holdings: Holdings): FleetMemory {
  let fleet = indexFleet(holdings.machines);
  const unreadable = unreadableRecords(holdings.unreadable);
  const pending = new Map<MachineId, { held: Machine | undefined; changes: number }>();

  const addressHolder = (text: string) => {
    const address = parseIpv4(text);
    return address === undefined ? undefined : fleet.byAddress(address);
  };
  const note = (id: MachineId, held: Machine | undefined) => {
    const known = pending.get(id);
    if (known === undefined) pending.set(id, { held, changes: 1 });
    else known.changes += 1;
  };
  const conclude = (id: MachineId, held: Machine | undefined) => {
    const known = pending.get(id);
    if (known === undefined) return;
    known.changes -= 1;
    known.held = held;
    if (known.changes === 0) pending.delete(id);
  };

  return {
    fleet: () => fleet,
    unreadable: unreadable.list,
    isPending: (id) => pending.has(id),

    decide: ({ event, atMs, by, expectRevision, guard }) => {
      const before = "id" in event ? fleet.get(event.id) : fleet.byMac(event.mac);
      const subject = before === undefined ? {} : { subject: before };
      if (before !== undefined && expectRevision !== undefined && before.revision !== expectRevision) {
        return { decision: changedMeanwhile(before, expectRevision), ...subject, entries: [] };
      }
      const refusal = unreadable.whyNot(event) ?? guard?.();
      if (refusal !== undefined) return { decision: { kind: "refused", refusal }, ...subject, entries: [] };
      const decision = decide(before, event, {
        nowMs: atMs,
        nameHolder: fleet.byName,
        addressHolder,
        macHolder: fleet.byMac,
        announcedAt: fleet.announcedAt,
        byId: fleet.get,
      });
      const { machine } = decision;
      if (machine === undefined || machine === before) return { decision, ...subject, entries: [] };
      const { absorbed: ids = [], others = [] } = decision.kind === "changed" ? decision : {};
      const absorbed = ids.flatMap((id) => fleet.get(id) ?? []);
      for (const gone of absorbed) {
        note(gone.id, gone);
        fleet.remove(gone.id);
      }
      const caller = by ?? ("by" in event ? event.by : undefined);
      const entryOf = (changed: Machine, gone: readonly Machine[]): MachineEntry => {
        const held = fleet.get(changed.id);
        note(changed.id, held);
        fleet.put(changed);
        const entry = { kind: "machine", machine: changed, before: held, event, atMs, absorbed: gone } as const;
        return caller === undefined ? entry : { ...entry, by: caller };
      };
      // First the machines that lose something to it.
      return {
        decision,
        ...subject,
        entries: [...others.map((other) => entryOf(other, [])), entryOf(machine, absorbed)],
      };
    },

    written: (entries) => {
      for (const { machine, absorbed } of entries) {
        for (const gone of absorbed) conclude(gone.id, undefined);
        conclude(machine.id, machine);
      }
    },

    rollBack: () => {
      // Remove all first, because one may give up what another takes.
      for (const id of pending.keys()) fleet.remove(id);
      for (const { held } of pending.values()) if (held !== undefined) fleet.put(held);
      pending.clear();
    },

    apply: (changes) => {
      if (changes.kind === "everything") {
        fleet = indexFleet(changes.machines);
        unreadable.clear();
        unreadable.apply([], changes.unreadable);
        return;
      }
      unreadable.apply(changes.machines, changes.unreadable);
      const there = new Set(changes.machines.map(({ id }) => id));
      for (const { machine, absorbed = [] } of changes.changes) {
        for (const id of [...absorbed, machine.id]) if (!there.has(id)) fleet.remove(id);
      }
      for (const machine of changes.machines) fleet.put(machine);
    },
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
