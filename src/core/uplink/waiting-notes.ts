import { conditionOf } from "../machine/life/move.ts";
import type { MachineId } from "../machine/record.ts";
import type { Clock, Log, Store } from "../ports.ts";

import { longestRetrySeconds } from "./fetch-queue.ts";

/** Shows on the records which machines wait for the uplink. */
export type WaitingNotes = {
  /** The machine waits, as `reason` says, asks again after this time, and has its turn after that one, where that is known. */
  readonly waits: (
    id: MachineId,
    of: {
      readonly reason: string;
      readonly retryAfterSeconds: number;
      readonly estimatedSeconds?: number | undefined;
    },
  ) => void;
  readonly waitsNoMore: (id: MachineId) => void;
  /** Takes the note from every machine that has not asked for so long that it cannot be waiting; call it now and then. */
  readonly sweep: () => void;
};

/** A place changes with every machine that is done; records and journal show it once in this time at most. */
const renewMs = 60_000;
/**
 * Of a machine that waits long, once in this part of the time that is left: the figure on the record is wrong by a tenth then, and 40,000
 * machines that wait for hours write a fifth as much.
 */
const renewPart = 0.1;
/** A machine that has not asked for this time after it should have does not wait any more. */
const overdueMs = 60_000;

/** `waiting` conditions that are on the records already, from before a restart, go unless their machines ask again. */
export function openWaitingNotes(deps: {
  readonly store: Pick<Store, "get" | "list" | "apply">;
  readonly clock: Pick<Clock, "monotonicMs">;
  readonly log: Log;
}): WaitingNotes {
  const { store, clock, log } = deps;
  const waiting = new Map<MachineId, { readonly notedAtMs: number; readonly goneAtMs: number }>();
  const goneAfter = (seconds: number) => clock.monotonicMs() + seconds * 1000 + overdueMs;
  for (const machine of store.list())
    if (noteOf(machine.id) !== undefined)
      waiting.set(machine.id, { notedAtMs: Number.NEGATIVE_INFINITY, goneAtMs: goneAfter(longestRetrySeconds) });

  function noteOf(id: MachineId): string | undefined {
    const machine = store.get(id);
    return machine === undefined ? undefined : conditionOf(machine, "waiting")?.reason;
  }
  function apply(event: Parameters<typeof store.apply>[0] & { readonly id: MachineId }): void {
    store
      .apply(event)
      .catch((error: unknown) =>
        log("error", "recording a queue position failed", { id: event.id, error: String(error) }),
      );
  }
  function waitsNoMore(id: MachineId): void {
    waiting.delete(id);
    if (noteOf(id) !== undefined) apply({ kind: "conditionCleared", id, condition: "waiting" });
  }

  return {
    waits: (id, { reason, retryAfterSeconds, estimatedSeconds = 0 }) => {
      const nowMs = clock.monotonicMs();
      const noted = noteOf(id);
      const notedAtMs = waiting.get(id)?.notedAtMs ?? Number.NEGATIVE_INFINITY;
      const shownMs = Math.max(renewMs, estimatedSeconds * 1000 * renewPart);
      const isDue = noted === undefined || (noted !== reason && nowMs - notedAtMs >= shownMs);
      waiting.set(id, { notedAtMs: isDue ? nowMs : notedAtMs, goneAtMs: goneAfter(retryAfterSeconds) });
      if (isDue) apply({ kind: "conditionSet", id, condition: "waiting", reason });
    },
    waitsNoMore,
    sweep: () => {
      for (const [id, { goneAtMs }] of waiting) if (clock.monotonicMs() > goneAtMs) waitsNoMore(id);
    },
  };
}
