import type { MachineId } from "../machine/record.ts";
import type { Member } from "./member.ts";
import { type OpenSwarm, openSwarm, type Swarm } from "./swarm.ts";

/** A machine that takes part in passing an image on. */
export type Known = {
  readonly member: Member;
  readonly image: string;
  readonly endpoint: string | undefined;
  readonly linkMbps: number | undefined;
  readonly heardAtMs: number;
  readonly failed: Set<string>;
  /** From where its rate is measured. */
  readonly measuredFrom: Progress;
  /** Whether it said just now how far it is, and its rate is that from its present source. */
  readonly isMeasured: boolean;
  /** How often it was given another source because it got contents slowly. */
  readonly timesHeldUp: number;
};

/** How far a machine was, and when. */
export type Progress = { readonly atMs: number; readonly doneBytes: number };

/** A machine says every twenty seconds how far it is. */
const silentMs = 60_000;
/** The machines that were heard of lately. */
export type Members = {
  readonly known: ReadonlyMap<MachineId, Known>;
  /** How many of them are no seeds. */
  readonly fetching: () => number;
  /** Those of one image. */
  readonly swarmOf: (image: string) => Swarm;
  /** Takes what is known of one, which keeps its place in the order in which they were heard of. */
  readonly put: (one: Known) => void;
  readonly left: (id: MachineId) => void;
  readonly forgetSilent: () => void;
};

/** Nobody is known yet. */
export function openMembers({ monotonicMs }: { readonly monotonicMs: () => number }): Members {
  /** In the order in which they were heard of last. */
  const known = new Map<MachineId, Known>();
  const swarms = new Map<string, OpenSwarm>();
  const seeds = new Set<MachineId>();

  function swarmOf(image: string): OpenSwarm {
    const swarm = swarms.get(image) ?? openSwarm();
    swarms.set(image, swarm);
    return swarm;
  }
  function left(id: MachineId): void {
    const one = known.get(id);
    if (one === undefined) return;
    known.delete(id);
    seeds.delete(id);
    const swarm = swarmOf(one.image);
    swarm.remove(id);
    if (swarm.size() === 0) swarms.delete(one.image);
  }
  function forgetSilent(): void {
    for (const [id, { heardAtMs }] of known) {
      if (monotonicMs() - heardAtMs <= silentMs) return;
      left(id);
    }
  }
  function put(one: Known): void {
    known.set(one.member.id, one);
    if (one.member.isSeed === true) seeds.add(one.member.id);
    else seeds.delete(one.member.id);
    swarmOf(one.image).put(one.member);
  }
  return { known, fetching: () => known.size - seeds.size, swarmOf, put, left, forgetSilent };
}
