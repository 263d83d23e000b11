import type { MachineId } from "../machine/record.ts";
import type { Member } from "./member.ts";
import { type Known, type Members, openMembers, type Progress } from "./members.ts";

/** What a machine says, and the MDB knows, when it asks from whom to fetch. */
export type Caller = Pick<Member, "id" | "rack" | "totalBytes" | "doneBytes" | "isWorking" | "isSeed"> & {
  readonly image: string;
  /** Where it serves others, `ADDRESS:PORT`; absent if it does not. */
  readonly endpoint?: string;
  /** Machines from which it got nothing useful since it asked last. */
  readonly failed: readonly string[];
  /** Of its link, if it says so. */
  readonly linkMbps?: number;
};

/** Failures that one machine may tell of: a rack and some. */
const failedLimit = 100;
/** A machine that had trouble with more than these has the trouble itself: they are not blamed. */
const believedFailures = 2;
/** A machine that is slow with the third source, too, is slow itself. */
export const heldUpLimit = 2;
/** A rate is measured over at least this time. */
const measuredMs = 2500;

/** The machines that fetch images or have them, and what they have said. */
export type Roster = Omit<Members, "put"> & {
  /** Takes what a machine says of itself; one that turns to another image begins anew. */
  readonly upsert: (caller: Caller) => Known;
  /** Takes which machines gave it nothing useful. */
  readonly accuse: (by: Known, failed: readonly string[]) => void;
  /** A machine gets contents slowly because of that source: it is to have another one. */
  readonly heldUp: (one: Known, by: MachineId) => Known;
  /** It may fetch from that source again. */
  readonly forgive: (one: Known, id: MachineId) => void;
  /** Sets from whom a machine fetches. */
  readonly assign: (one: Known, from: Member["from"]) => void;
};

/** Nobody is known yet. */
export function openRoster({ monotonicMs }: { readonly monotonicMs: () => number }): Roster {
  const members = openMembers({ monotonicMs });
  const { known, put, left } = members;
  let begun = 0;

  function upsert(caller: Caller): Known {
    const { image, endpoint, linkMbps, failed: _failed, ...facts } = caller;
    const before = known.get(caller.id);
    const own = before?.image === image ? before : undefined;
    const earlier: Pick<Member, "from" | "order" | "accusers" | "isSeed"> = own?.member ?? {
      from: undefined,
      order: begun++,
      accusers: new Set<MachineId>(),
    };
    const serves = endpoint !== undefined;
    const from = facts.doneBytes >= facts.totalBytes ? undefined : earlier.from;
    const { bytesPerSecond, ...measured } = measure(own, { atMs: monotonicMs(), doneBytes: facts.doneBytes });
    const { isSeed: _isSeed, ...kept } = earlier;
    const member: Member = { ...kept, ...facts, from, serves, bytesPerSecond };
    const { failed = new Set<string>(), timesHeldUp = 0 } = own ?? {};
    const now = { member, image, endpoint, linkMbps, heardAtMs: monotonicMs(), failed, timesHeldUp, ...measured };
    left(caller.id);
    put(now);
    return now;
  }
  function accuse(by: Known, failed: readonly string[]): void {
    for (const id of failed) {
      const accused = known.get(id as MachineId);
      if (accused === undefined || by.failed.size >= failedLimit) continue;
      by.failed.add(id);
      if (by.failed.size > believedFailures) continue;
      const accusers = new Set([...accused.member.accusers, by.member.id]);
      put({ ...accused, member: { ...accused.member, accusers } });
    }
  }
  function assign(one: Known, from: Member["from"]): void {
    if (one.member.from === from) return;
    const measuredFrom = { atMs: monotonicMs(), doneBytes: one.member.doneBytes };
    // Its rate so far says nothing of another source, except where others did not help before.
    const rate = one.timesHeldUp < heldUpLimit ? { bytesPerSecond: undefined } : {};
    put({ ...one, measuredFrom, member: { ...one.member, from, ...rate } });
  }
  function heldUp(one: Known, by: MachineId): Known {
    one.failed.add(by);
    const now = { ...one, timesHeldUp: one.timesHeldUp + 1 };
    put(now);
    return now;
  }
  const forgive = ({ failed }: Known, id: MachineId) => void failed.delete(id);
  return { ...members, upsert, accuse, assign, heldUp, forgive };
}

function measure(
  own: Known | undefined,
  now: Progress,
): Pick<Known, "measuredFrom" | "isMeasured"> & Pick<Member, "bytesPerSecond"> {
  // A machine that begins anew is measured anew.
  if (own === undefined || own.measuredFrom.doneBytes > now.doneBytes)
    return { measuredFrom: now, isMeasured: false, bytesPerSecond: undefined };
  const { measuredFrom, member } = own;
  const passedMs = now.atMs - measuredFrom.atMs;
  if (passedMs < measuredMs) return { measuredFrom, isMeasured: false, bytesPerSecond: member.bytesPerSecond };
  const bytesPerSecond = ((now.doneBytes - measuredFrom.doneBytes) * 1000) / passedMs;
  return { measuredFrom: now, isMeasured: true, bytesPerSecond };
}
