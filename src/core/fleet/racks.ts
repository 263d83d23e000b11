import { locationOf } from "../machine/location.ts";
import type { Phase } from "../machine/phase.ts";
import type { Machine } from "../machine/record.ts";
import type { ExpectedSlots } from "../site/site-plan.ts";
import { progressIn } from "./birth-times.ts";
import type { MachineStatus } from "./machine-status.ts";

/** A rack, or a switch whose ports name no rack, as a whole. */
export type RackSummary = {
  readonly rack: string;
  /** Its location is a switch; its placement rule has no group `rack`. */
  readonly isSwitch?: true;
  readonly machines: number;
  /** Its machines by how they stand; without those of which there are none. */
  readonly statuses: { readonly [S in MachineStatus]?: number };
  /** Its machines on their way, by phase. */
  readonly phases: { readonly [P in Phase]?: number };
  /**
   * The slowest of its machines on their way, by how long it has been in its phase beside finished births; by the time
   * alone while there are none.
   */
  readonly slowest?: { readonly name: string; readonly phase: Phase; readonly ageMs: number };
  /** How far its machines have come on average, from 0 to 1; those retired and unknown do not count. */
  readonly progress: number;
  /** Slots that the site plan expects, and how many of them were never heard from; absent without a plan. */
  readonly expected?: number;
  readonly unheard?: number;
  /** Its slowest machine takes much longer than finished births, or without any it is far behind the median rack. */
  readonly lags?: true;
};

type Rack = {
  readonly isSwitch: boolean;
  readonly statuses: { [S in MachineStatus]?: number };
  readonly phases: { [P in Phase]?: number };
  /** The machine that has been in each phase for longest. */
  readonly slowestIn: Map<Phase, Slowest>;
  /** The units that a machine was heard from; retired machines are gone from theirs. */
  readonly heard: Set<string>;
  machines: number;
  counted: number;
  progress: number;
};
type Slowest = NonNullable<RackSummary["slowest"]>;

/** The usual longest stay in a phase, by finished births; undefined while there are too few. */
export type UsualStay = (phase: Phase) => number | undefined;

/** A rack lags if a machine has been in its phase for this multiple of the usual longest stay; */
const lagTimes = 1.5;
/** or, while no stay is usual, if its progress is below that of the median rack by this: about two phases. */
const lagBy = 0.15;

/** The racks of a fleet; constant time for each machine. */
export class RackTally {
  readonly #racks = new Map<string, Rack>();
  #unplaced = 0;

  /** Counts a machine that stands so; `slowestName` names it. */
  add(machine: Machine, { status, nowMs, name }: { status: MachineStatus; nowMs: number; name: string }): void {
    const location = locationOf(machine);
    if (location === undefined) {
      if (status !== "retired") this.#unplaced += 1;
      return;
    }
    const rack = this.#rackOf(location.rack, location.switch);
    rack.machines += 1;
    rack.statuses[status] = (rack.statuses[status] ?? 0) + 1;
    if (status !== "retired" && location.unit !== undefined) rack.heard.add(location.unit);
    if (status === "retired" || status === "unknown") return;
    rack.counted += 1;
    rack.progress += status === "up" ? 1 : progressIn(machine.phase);
    const { phase, phaseAtMs } = machine;
    if (status !== "arriving" || phase === undefined) return;
    rack.phases[phase] = (rack.phases[phase] ?? 0) + 1;
    const ageMs = Math.max(0, nowMs - (phaseAtMs ?? nowMs));
    const slowest = rack.slowestIn.get(phase);
    if (slowest === undefined || ageMs > slowest.ageMs) rack.slowestIn.set(phase, { name, phase, ageMs });
  }

  /** Machines whose place is not known. */
  unplaced(): number {
    return this.#unplaced;
  }

  #rackOf(name: string | undefined, switchName: string): Rack {
    const key = name === undefined ? `s${switchName}` : `r${name}`;
    const known = this.#racks.get(key);
    if (known !== undefined) return known;
    const made: Rack = {
      ...{ isSwitch: name === undefined, statuses: {}, phases: {}, slowestIn: new Map(), heard: new Set() },
      ...{ machines: 0, counted: 0, progress: 0 },
    };
    this.#racks.set(key, made);
    return made;
  }

  /** All racks in their natural order, those of the plan too that nothing was heard from. */
  summaries(usual: UsualStay, expected: ExpectedSlots = new Map()): RackSummary[] {
    for (const rack of expected.keys()) this.#rackOf(rack, "");
    const racks = [...this.#racks].map(([key, rack]) => ({
      rack,
      summary: { ...summaryOf(key.slice(1), rack, usual), ...unheardIn(rack, expected.get(key.slice(1))) },
    }));
    const begun = racks.filter(({ rack }) => rack.counted > 0);
    const progress = begun.map(({ summary }) => summary.progress).sort((a, b) => a - b);
    const median = progress[progress.length >> 1] ?? 0;
    return racks
      .map(({ rack, summary }) =>
        lags(rack, { usual, median, summary }) ? { ...summary, lags: true as const } : summary,
      )
      .sort((a, b) => compareNatural(a.rack, b.rack));
  }
}

/** How many slots of a rack are expected, and how many of them were never heard from. */
function unheardIn({ isSwitch, heard }: Rack, expected: ReadonlySet<string> | undefined) {
  if (isSwitch || expected === undefined) return {};
  return { expected: expected.size, unheard: [...expected].filter((unit) => !heard.has(unit)).length };
}

function lags(
  { slowestIn, statuses }: Rack,
  { usual, median, summary }: { readonly usual: UsualStay; readonly median: number; readonly summary: RackSummary },
): boolean {
  const stays = [...slowestIn.values()].map(({ phase, ageMs }) => ({ ageMs, usualMs: usual(phase) }));
  if (stays.some(({ usualMs }) => usualMs !== undefined))
    return stays.some(({ ageMs, usualMs }) => usualMs !== undefined && ageMs > lagTimes * usualMs);
  const isOnItsWay = (statuses.arriving ?? 0) + (statuses.pending ?? 0) > 0;
  return isOnItsWay && summary.progress < median - lagBy;
}

function summaryOf(rack: string, of: Rack, usual: UsualStay): RackSummary {
  const { isSwitch, machines, statuses, phases, counted } = of;
  const slowness = ({ phase, ageMs }: Slowest) => ageMs / Math.max(1, usual(phase) ?? 1);
  const [slowest] = [...of.slowestIn.values()].sort((a, b) => slowness(b) - slowness(a));
  return {
    rack,
    ...(isSwitch ? { isSwitch: true } : {}),
    ...{ machines, statuses, phases },
    ...(slowest === undefined ? {} : { slowest }),
    progress: counted === 0 ? 0 : Math.round((of.progress / counted) * 1000) / 1000,
  };
}

/** Numbers in texts by their value: rack 9 before rack 10. Core has no Intl on QuickJS. */
export function compareNatural(a: string, b: string): number {
  const [ours, theirs] = [piecesOf(a), piecesOf(b)];
  for (let at = 0; at < Math.max(ours.length, theirs.length); at += 1) {
    const [one, other] = [ours[at], theirs[at]];
    if (one === undefined) return -1;
    if (other === undefined) return 1;
    if (one === other) continue;
    const bothNumbers = /^\d/.test(one) && /^\d/.test(other);
    const difference = bothNumbers ? Number(one) - Number(other) : 0;
    if (difference !== 0) return difference;
    return one < other ? -1 : 1;
  }
  return 0;
}

function piecesOf(text: string): readonly string[] {
  return text.match(/\d+|\D+/g) ?? [];
}
