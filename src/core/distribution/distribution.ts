import type { MachineId } from "../machine/record.ts";
import { chooseSources, type Member } from "./choose-sources.ts";

/** What a machine says, and the MDB knows, when it asks from whom to fetch. */
export type Caller = Pick<Member, "id" | "rack" | "totalBytes" | "doneBytes" | "isWorking"> & {
  readonly image: string;
  /** Where it serves others, `ADDRESS:PORT`; absent if it does not. */
  readonly endpoint?: string;
  /** Machines from which it got nothing useful since it asked last. */
  readonly failed: readonly string[];
};

/** A machine to fetch from. */
export type Source = { readonly machineId: string; readonly endpoint: string };

/** Keeps who fetches which image, in memory only: after a restart of the server, machines tell it again within seconds. */
export type Distribution = {
  /** From whom to fetch, best first; or that it is the origin's turn. */
  readonly ask: (caller: Caller, origin: { readonly isFull: boolean }) => readonly Source[] | "origin";
  /** The origin has let a machine in, or lets it wait. */
  readonly admitted: (id: MachineId, isAdmitted: boolean) => void;
  /** It has everything, gave up, or got another task: it serves no more. */
  readonly left: (id: MachineId) => void;
};

type Known = {
  member: Member;
  readonly image: string;
  endpoint: string | undefined;
  heardAtMs: number;
  readonly failed: Set<string>;
};

/** A machine says every twenty seconds how far it is. */
const silentMs = 60_000;
/** Failures that one machine may tell of: a rack and some. */
const failedLimit = 100;

/** Nobody fetches yet. */
export function openDistribution({ monotonicMs }: { readonly monotonicMs: () => number }): Distribution {
  const known = new Map<string, Known>();
  let begun = 0;

  function left(id: MachineId): void {
    known.delete(id);
  }
  function forgetSilent(): void {
    for (const [id, { heardAtMs }] of known) if (monotonicMs() - heardAtMs > silentMs) known.delete(id);
  }
  function upsert(caller: Caller): Known {
    const { image, endpoint, failed: _failed, ...facts } = caller;
    const before = known.get(caller.id);
    const own = before?.image === image ? before : undefined;
    const earlier = own?.member ?? { from: undefined, order: begun++, accusers: new Set<MachineId>() };
    const serves = endpoint !== undefined;
    const isWhole = facts.doneBytes >= facts.totalBytes;
    const member: Member = { ...earlier, ...facts, serves, ...(isWhole ? { from: undefined } : {}) };
    const now = { member, image, endpoint, heardAtMs: monotonicMs(), failed: own?.failed ?? new Set<string>() };
    known.set(caller.id, now);
    return now;
  }
  function accuse(by: Known, failed: readonly string[]): void {
    for (const id of failed) {
      const accused = known.get(id);
      if (accused === undefined || by.failed.size >= failedLimit) continue;
      by.failed.add(id);
      accused.member = { ...accused.member, accusers: new Set([...accused.member.accusers, by.member.id]) };
    }
  }
  return {
    left,
    admitted: (id, isAdmitted) => {
      const one = known.get(id);
      if (one !== undefined) one.member = { ...one.member, from: isAdmitted ? "origin" : undefined };
    },
    ask: (caller, { isFull }) => {
      forgetSilent();
      const one = upsert(caller);
      accuse(one, caller.failed);
      const members = new Map<MachineId, Member>();
      for (const { image, member } of known.values()) if (image === caller.image) members.set(member.id, member);
      const chosen = chooseSources(one.member, members, { failed: one.failed, originIsFull: isFull });
      if (chosen.kind === "origin") return "origin";
      const sources = chosen.sources.flatMap((machineId) => {
        const endpoint = known.get(machineId)?.endpoint;
        return endpoint === undefined ? [] : [{ machineId, endpoint }];
      });
      const [first] = sources;
      if (first === undefined) return "origin";
      one.member = { ...one.member, from: first.machineId };
      return sources;
    },
  };
}
