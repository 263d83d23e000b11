import type { MachineId } from "../machine/record.ts";
import { isSource, type Member } from "./member.ts";

/** The machines that fetch one image or have it, indexed: a question about a machine touches its rack, and not the fleet. */
export type Swarm = {
  readonly get: (id: MachineId) => Member | undefined;
  readonly ofRack: (rack: string) => Iterable<Member>;
  /** The machines that fetch from this one. */
  readonly childrenOf: (id: MachineId) => ReadonlySet<MachineId>;
  /** The machines that fetch from the origin. */
  readonly heads: () => Iterable<Member>;
  /** Racks that have something to send, and from which no machine of another rack fetches. */
  readonly idleRacks: () => Iterable<string>;
};

/** A swarm that changes. */
export type OpenSwarm = Swarm & {
  /** Takes a member, in place of what was known of it. */
  readonly put: (member: Member) => void;
  readonly remove: (id: MachineId) => void;
  readonly size: () => number;
};

/** What the indices have of a member, so that exactly that is taken out again. */
type Indexed = {
  readonly member: Member;
  /** The machine that it fetches from. */
  readonly source: MachineId | undefined;
  /** The rack that sends to its own, if it is another one. */
  readonly sendingRack: string | undefined;
};

const nobody: ReadonlySet<MachineId> = new Set();

/** A swarm without members. */
export function openSwarm(): OpenSwarm {
  const all = new Map<MachineId, Indexed>();
  const racks = new Map<string, Map<MachineId, Member>>();
  const children = new Map<MachineId, Set<MachineId>>();
  const heads = new Map<MachineId, Member>();
  const sourcesIn = counters();
  const streamsFrom = counters();
  const idle = new Set<string>();

  function updateIdle(rack: string | undefined): void {
    if (rack === undefined) return;
    if (sourcesIn.of(rack) > 0 && streamsFrom.of(rack) === 0) idle.add(rack);
    else idle.delete(rack);
  }
  function remove(id: MachineId): void {
    const known = all.get(id);
    if (known === undefined) return;
    const { member, source, sendingRack } = known;
    all.delete(id);
    heads.delete(id);
    const rack = racks.get(member.rack);
    rack?.delete(id);
    if (rack?.size === 0) racks.delete(member.rack);
    if (source !== undefined) {
      const others = children.get(source);
      others?.delete(id);
      if (others?.size === 0) children.delete(source);
    }
    if (isSource(member)) sourcesIn.add(member.rack, -1);
    if (sendingRack !== undefined) streamsFrom.add(sendingRack, -1);
    updateIdle(member.rack);
    updateIdle(sendingRack);
  }
  function put(member: Member): void {
    const { id, rack, from } = member;
    remove(id);
    const source = from === "origin" ? undefined : from;
    const sourceRack = source === undefined ? undefined : all.get(source)?.member.rack;
    const sendingRack = sourceRack === rack ? undefined : sourceRack;
    all.set(id, { member, source, sendingRack });
    const near = racks.get(rack) ?? new Map<MachineId, Member>();
    racks.set(rack, near.set(id, member));
    if (from === "origin") heads.set(id, member);
    if (source !== undefined) children.set(source, (children.get(source) ?? new Set()).add(id));
    if (isSource(member)) sourcesIn.add(rack, 1);
    if (sendingRack !== undefined) streamsFrom.add(sendingRack, 1);
    updateIdle(rack);
    updateIdle(sendingRack);
  }
  return {
    ...{ put, remove },
    size: () => all.size,
    get: (id) => all.get(id)?.member,
    ofRack: (rack) => racks.get(rack)?.values() ?? [],
    childrenOf: (id) => children.get(id) ?? nobody,
    heads: () => heads.values(),
    idleRacks: () => idle,
  };
}

/** Numbers of what is named, without those that are 0. */
function counters() {
  const counts = new Map<string, number>();
  const of = (name: string) => counts.get(name) ?? 0;
  return {
    of,
    add: (name: string, change: 1 | -1) => {
      const count = of(name) + change;
      if (count === 0) counts.delete(name);
      else counts.set(name, count);
    },
  };
}
