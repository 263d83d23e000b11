import type { MachineId } from "../machine/record.ts";
import { sourcesAtOnce } from "./at-once.ts";
import { chooseSources } from "./choose-sources.ts";
import { betterHead, isHeldUp } from "./held-up.ts";
import type { Known } from "./members.ts";
import { type Caller, heldUpLimit, openRoster } from "./roster.ts";
import { openSeeds, type Seeds } from "./seeds.ts";
import { type UploadRules, uploadBytesPerSecond } from "./upload-limit.ts";

/** A machine to fetch from. */
export type Source = {
  readonly machineId: string;
  readonly endpoint: string;
  /** What its upload limit gives to each machine that fetches from it; absent where no limit applies. */
  readonly bytesPerSecond?: number;
  /** It is to be fetched from at the same time as from the others with this mark. */
  readonly atOnce?: true;
};

/** Keeps who fetches which image, in memory only: after a restart of the server, machines tell it again within seconds. */
export type Distribution = Seeds & {
  /** From whom to fetch, best first; or that it is the origin's turn. */
  readonly ask: (caller: Caller, origin: { readonly isFull: boolean }) => readonly Source[] | "origin";
  /** The origin has let a machine in, or lets it wait. */
  readonly admitted: (id: MachineId, isAdmitted: boolean) => void;
  /** It gave up, got another task, or serves no more. */
  readonly left: (id: MachineId) => void;
  /** How fast a machine may send to all others together; 0 is without a limit, and undefined that it serves nobody. */
  readonly uploadLimit: (id: MachineId) => number | undefined;
  /** How often each machine should say how far it is: often while few take part, so that a bottleneck is found within seconds. */
  readonly reportSeconds: () => number;
};

/** The server gets about as many reports a second. */
const reportsPerSecond = 100;
const reportLimits = { least: 3, most: 20 } as const;

/** Nobody fetches yet. */
export function openDistribution(clock: { readonly monotonicMs: () => number }, rules: UploadRules = {}): Distribution {
  const roster = openRoster(clock);
  const { known, fetching, swarmOf, upsert, accuse, assign, heldUp, forgive, left, forgetSilent } = roster;

  function childrenOf({ member: { id }, image }: Known): ReadonlySet<MachineId> {
    return swarmOf(image).childrenOf(id);
  }
  function limitOf(one: Known): number {
    const { isWorking, rack } = one.member;
    const sendsFar = [...childrenOf(one)].some((id) => known.get(id)?.member.rack !== rack);
    return uploadBytesPerSecond({ isWorking, sendsFar, linkMbps: one.linkMbps }, rules);
  }
  function sourceOf(machineId: MachineId): readonly Source[] {
    const one = known.get(machineId);
    if (one?.endpoint === undefined) return [];
    const limit = limitOf(one);
    const share = limit === 0 ? {} : { bytesPerSecond: Math.floor(limit / Math.max(1, childrenOf(one).size)) };
    return [{ machineId, endpoint: one.endpoint, ...share }];
  }
  return {
    left,
    ...openSeeds(roster),
    admitted: (id, isAdmitted) => {
      const one = known.get(id);
      if (one !== undefined) assign(one, isAdmitted ? "origin" : undefined);
    },
    uploadLimit: (id) => {
      const one = known.get(id);
      return one === undefined ? undefined : limitOf(one);
    },
    reportSeconds: () => {
      const { least, most } = reportLimits;
      return Math.max(least, Math.min(most, Math.ceil(fetching() / reportsPerSecond)));
    },
    ask: (caller, { isFull }) => {
      forgetSilent();
      const isWhole = caller.doneBytes >= caller.totalBytes;
      // What it has may be of the image before.
      if (isWhole && known.get(caller.id)?.image !== caller.image) {
        left(caller.id);
        return "origin";
      }
      let one = upsert(caller);
      accuse(one, caller.failed);
      if (isWhole) return "origin";
      const swarm = swarmOf(caller.image);
      const { from } = one.member;
      const earlier = from === "origin" && one.isMeasured ? betterHead(one.member, swarm) : undefined;
      if (earlier !== undefined) {
        forgive(one, earlier.id);
        assign(one, earlier.id);
        return sourceOf(earlier.id);
      }
      const isJudged = one.isMeasured && one.timesHeldUp < heldUpLimit;
      if (isJudged && from !== undefined && from !== "origin" && isHeldUp(one.member, swarm, { originIsFull: isFull }))
        one = heldUp(one, from);
      const chosen = chooseSources(one.member, swarm, { failed: one.failed, originIsFull: isFull });
      if (chosen.kind === "origin") return "origin";
      const [first] = chosen.sources;
      if (first === undefined) return "origin";
      assign(one, first);
      const sources = chosen.sources.flatMap(sourceOf);
      const count = sourcesAtOnce(one.member, swarmOf(caller.image), { sources, linkMbps: one.linkMbps });
      return sources.map((source, index) => (count > 1 && index < count ? { ...source, atOnce: true } : source));
    },
  };
}
