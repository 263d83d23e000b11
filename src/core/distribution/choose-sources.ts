/**
 * Decides from whom a machine fetches its image: a chain in each rack. The first machine of a rack fetches from the origin, each
 * further one from the last of the chain, which passes on what it has verified while it still fetches the rest. So an image
 * crosses a rack's uplink about once, and each machine receives and sends it about once, at the rate of its own link.
 */
import type { MachineId } from "../machine/record.ts";

/** A machine that fetches an image or has it. */
export type Member = {
  readonly id: MachineId;
  /** Machines with the same one share a switch, and reach each other without the rack's uplink. */
  readonly rack: string;
  readonly totalBytes: number;
  /** What it has of the image, verified. */
  readonly doneBytes: number;
  /** Whether it serves others. */
  readonly serves: boolean;
  /** It runs a workload, and gives only a little of its link. */
  readonly isWorking: boolean;
  /** From whom it fetches; undefined while it waits, and once it has everything. */
  readonly from: MachineId | "origin" | undefined;
  /** Its place in the order in which machines began to fetch. */
  readonly order: number;
  /** Machines that got nothing or wrong contents from it. */
  readonly accusers: ReadonlySet<MachineId>;
  /** The rate at which it got contents lately; undefined until it has told twice how far it is. */
  readonly bytesPerSecond?: number | undefined;
};

/** Whom to ask, best first; or the origin, which may have a queue. */
export type Sources = { readonly kind: "peers"; readonly sources: readonly MachineId[] } | { readonly kind: "origin" };

/** Who disappoints as many machines serves nobody any more: one may be wrong, or lie. */
const accusersLimit = 2;
/** To as many others a member sends if it has to; beyond that another machine of the rack fetches from outside. */
export const sharedLimit = 3;
/** Sources named at once. */
const sourcesLimit = 3;

/** To how many others a member sends at once. */
function childrenLimit({ isWorking, doneBytes, totalBytes }: Member): number {
  return !isWorking && doneBytes >= totalBytes ? 2 : 1;
}

/**
 * Chooses the sources of a machine among the members of its image that were heard of lately; the machine may be one of them.
 * `failed` are members from which it got nothing. `originIsFull`: the origin has a queue, so that machines of other racks help.
 */
export function chooseSources(
  caller: Member,
  members: ReadonlyMap<MachineId, Member>,
  { failed, originIsFull }: { readonly failed: ReadonlySet<string>; readonly originIsFull: boolean },
): Sources {
  const children = countChildren(caller, members);
  const isUsable = (member: Member): boolean =>
    member.id !== caller.id &&
    member.serves &&
    !failed.has(member.id) &&
    member.accusers.size < accusersLimit &&
    (member.from !== undefined) === member.doneBytes < member.totalBytes &&
    !descendsFrom(member, caller, members);
  const childrenOf = (id: MachineId) => children.get(id) ?? 0;
  const hasRoom = (member: Member) => childrenOf(member.id) < childrenLimit(member);

  const known = caller.from === undefined || caller.from === "origin" ? undefined : members.get(caller.from);
  // Who fetches from the origin goes on.
  if (caller.from === "origin") return { kind: "origin" };
  const all = [...members.values()];
  const near = all.filter((member) => member.rack === caller.rack && isUsable(member)).sort(byUse);
  const own = known !== undefined && isUsable(known) ? [known] : [];
  const free = near.filter(hasRoom);
  const first = [...own, ...free];
  if (first.length > 0) return peers([...first, ...near]);

  // All send already: a part of a link within the rack is more than a second stream over its uplink.
  const shared = near
    .filter(({ id }) => childrenOf(id) < sharedLimit)
    .sort((one, other) => childrenOf(one.id) - childrenOf(other.id));
  if (shared.length > 0) return peers(shared);
  if (!originIsFull) return { kind: "origin" };
  const sending = racksThatSend(members);
  const isFar = (member: Member) => member.rack !== caller.rack && !sending.has(member.rack) && hasRoom(member);
  const far = all.filter((member) => isFar(member) && isUsable(member)).sort(byUse);
  return far.length > 0 ? peers(far) : { kind: "origin" };
}

function peers(members: readonly Member[]): Sources {
  return { kind: "peers", sources: [...new Set(members.map(({ id }) => id))].slice(0, sourcesLimit) };
}

/** Newborns before machines with a workload; then the one that began last, the end of the chain. */
function byUse(one: Member, other: Member): number {
  return Number(one.isWorking) - Number(other.isWorking) || other.order - one.order;
}

/** How many others fetch from each member, without the caller itself. */
function countChildren(caller: Member, members: ReadonlyMap<MachineId, Member>): ReadonlyMap<MachineId, number> {
  const children = new Map<MachineId, number>();
  for (const { id, from } of members.values())
    if (from !== undefined && from !== "origin" && id !== caller.id) children.set(from, (children.get(from) ?? 0) + 1);
  return children;
}

/** Whether what a member gets comes from another member, directly or over others: it cannot be that one's source. */
function descendsFrom(member: Member, ancestor: Member, members: ReadonlyMap<MachineId, Member>): boolean {
  let at: Member | undefined = member;
  for (let steps = 0; at !== undefined && steps <= members.size; steps += 1) {
    if (at.id === ancestor.id) return true;
    at = at.from === undefined || at.from === "origin" ? undefined : members.get(at.from);
  }
  // A loop, which a later answer has to end: nobody joins it.
  return at !== undefined;
}

/** Racks from which a machine of another rack fetches. */
function racksThatSend(members: ReadonlyMap<MachineId, Member>): ReadonlySet<string> {
  const racks = new Set<string>();
  for (const { from, rack } of members.values()) {
    const source = from === undefined || from === "origin" ? undefined : members.get(from);
    if (source !== undefined && source.rack !== rack) racks.add(source.rack);
  }
  return racks;
}
