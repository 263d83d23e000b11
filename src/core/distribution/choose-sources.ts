/**
 * Decides from whom a machine fetches its image: a chain in each rack. The first machine of a rack fetches from the origin, each
 * further one from the last of the chain, which passes on what it has verified while it still fetches the rest. So an image
 * crosses a rack's uplink about once, and each machine receives and sends it about once, at the rate of its own link.
 */
import type { MachineId } from "../machine/record.ts";
import { isSource, type Member } from "./member.ts";
import type { Swarm } from "./swarm.ts";

/** Whom to ask, best first; or the origin, which may have a queue. */
export type Sources = { readonly kind: "peers"; readonly sources: readonly MachineId[] } | { readonly kind: "origin" };

/** Who disappoints as many machines serves nobody any more: one may be wrong, or lie. */
export const accusersLimit = 2;
/** To as many others a member sends if it has to; beyond that another machine of the rack fetches from outside. */
export const sharedLimit = 3;
/** Sources named at once. */
const sourcesLimit = 4;
/** As many racks are looked at for one that sends to another rack. */
const racksLimit = 16;

/** To how many others a member sends at once. */
function childrenLimit({ isWorking, doneBytes, totalBytes }: Member): number {
  return !isWorking && doneBytes >= totalBytes ? 2 : 1;
}

/**
 * Chooses the sources of a machine in the swarm of its image, which has those that were heard of lately; the machine may be one
 * of them. `failed` are members from which it got nothing. `originIsFull`: the origin has a queue, so that machines of other
 * racks help.
 */
export function chooseSources(
  caller: Member,
  swarm: Swarm,
  { failed, originIsFull }: { readonly failed: ReadonlySet<string>; readonly originIsFull: boolean },
): Sources {
  // Who fetches from the origin goes on.
  if (caller.from === "origin") return { kind: "origin" };
  const behind = allBehind(caller, swarm);
  const isUsable = (member: Member): boolean =>
    isSource(member) && !failed.has(member.id) && member.accusers.size < accusersLimit && !behind.has(member.id);
  const childrenOf = (id: MachineId) => swarm.childrenOf(id).size - Number(swarm.childrenOf(id).has(caller.id));
  const hasRoom = (member: Member) => childrenOf(member.id) < childrenLimit(member);

  const known = caller.from === undefined ? undefined : swarm.get(caller.from);
  const rack = [...swarm.ofRack(caller.rack)];
  const isAlone = !rack.some(({ id, from }) => from !== undefined && id !== caller.id);
  // Seeds give little: one stream over the uplink is better for several newborn machines of a rack.
  const mayUseSeeds = originIsFull || caller.isWorking || isAlone;
  const isWelcome = (member: Member) => isUsable(member) && (mayUseSeeds || member.isSeed !== true);
  const near = rack.filter(isWelcome).sort(byUse);
  const own = known !== undefined && isWelcome(known) ? [known] : [];
  const free = near.filter(hasRoom);
  const first = [...own, ...free];
  if (first.length > 0) return peers([...first, ...near]);

  // All send already: a part of a link within the rack is more than a second stream over its uplink.
  const shared = near
    .filter(({ id }) => childrenOf(id) < sharedLimit)
    .sort((one, other) => childrenOf(one.id) - childrenOf(other.id));
  if (shared.length > 0) return peers(shared);
  if (!originIsFull) return { kind: "origin" };
  const far = someIdleRacks(caller, swarm)
    .flatMap((rack) => [...swarm.ofRack(rack)].filter((member) => isUsable(member) && hasRoom(member)))
    .sort(byUse);
  return far.length > 0 ? peers(far) : { kind: "origin" };
}

function peers(members: readonly Member[]): Sources {
  return { kind: "peers", sources: [...new Set(members.map(({ id }) => id))].slice(0, sourcesLimit) };
}

/** Newborns before machines with a workload; then the one that began last, the end of the chain. */
function byUse(one: Member, other: Member): number {
  return Number(one.isWorking) - Number(other.isWorking) || other.order - one.order;
}

/** The machine itself, and all that get contents from it, directly or over others: they cannot be its sources. */
function allBehind({ id }: Member, swarm: Swarm): ReadonlySet<MachineId> {
  const behind = new Set([id]);
  // A set is walked with what is added meanwhile.
  for (const one of behind) for (const child of swarm.childrenOf(one)) behind.add(child);
  return behind;
}

/** Other racks than the caller's that could begin to send to another rack. */
function someIdleRacks({ rack: own }: Member, swarm: Swarm): readonly string[] {
  const found: string[] = [];
  for (const rack of swarm.idleRacks()) {
    if (rack !== own) found.push(rack);
    if (found.length === racksLimit) break;
  }
  return found;
}
