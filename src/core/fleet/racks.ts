import { locationOf } from "../machine/location.ts";
import type { Machine, Phase } from "../machine/record.ts";
import { progressIn } from "./birth-times.ts";
import type { Standing } from "./standing.ts";

/** A rack, or a switch whose ports name no rack, as a whole. */
export type RackSummary = {
  readonly rack: string;
  /** Its location is a switch; its placement rule has no group `rack`. */
  readonly isSwitch?: true;
  readonly machines: number;
  /** Its machines by how they stand; without those of which there are none. */
  readonly standings: { readonly [S in Standing]?: number };
  /** Its machines on their way, by phase. */
  readonly phases: { readonly [P in Phase]?: number };
  /** The longest time that a machine on its way has been in its phase. */
  readonly slowestMs?: number;
  /** The machine that has been in its phase for so long. */
  readonly slowest?: string;
  /** How far its machines have come on average, from 0 to 1; those retired and unknown do not count. */
  readonly progress: number;
  /** Slots that the site plan expects, and how many of them were never heard from; absent without a plan. */
  readonly expected?: number;
  readonly unheard?: number;
  /** It is clearly behind the racks in the middle. */
  readonly lags?: true;
};

type Rack = {
  readonly isSwitch: boolean;
  readonly standings: { [S in Standing]?: number };
  readonly phases: { [P in Phase]?: number };
  machines: number;
  counted: number;
  progress: number;
  slowestMs: number;
  slowest?: string;
};

/** A rack lags if its progress is below that of the median rack by this: about two phases. */
const lagBy = 0.15;

/** The racks of a fleet; constant time for each machine. */
export class RackTally {
  readonly #racks = new Map<string, Rack>();
  #unplaced = 0;

  /** Counts a machine that stands so; `slowestName` names it. */
  add(machine: Machine, { standing, nowMs, name }: { standing: Standing; nowMs: number; name: string }): void {
    const location = locationOf(machine);
    if (location === undefined) {
      if (standing !== "retired") this.#unplaced += 1;
      return;
    }
    const rack = this.#rackOf(location.rack, location.switch);
    rack.machines += 1;
    rack.standings[standing] = (rack.standings[standing] ?? 0) + 1;
    if (standing === "retired" || standing === "unknown") return;
    rack.counted += 1;
    rack.progress += standing === "up" ? 1 : progressIn(machine.phase);
    const { phase, phaseAtMs } = machine;
    if (standing !== "arriving" || phase === undefined) return;
    rack.phases[phase] = (rack.phases[phase] ?? 0) + 1;
    const ageMs = Math.max(0, nowMs - (phaseAtMs ?? nowMs));
    if (ageMs < rack.slowestMs) return;
    rack.slowestMs = ageMs;
    rack.slowest = name;
  }

  /** Machines whose place is not known. */
  unplaced(): number {
    return this.#unplaced;
  }

  #rackOf(name: string | undefined, switchName: string): Rack {
    const key = name === undefined ? `s${switchName}` : `r${name}`;
    const known = this.#racks.get(key);
    if (known !== undefined) return known;
    const rack = { isSwitch: name === undefined, standings: {}, phases: {}, machines: 0, counted: 0 };
    const made: Rack = { ...rack, progress: 0, slowestMs: 0 };
    this.#racks.set(key, made);
    return made;
  }

  /** All racks in their natural order. */
  summaries(): RackSummary[] {
    const racks = [...this.#racks].map(([key, rack]) => summaryOf(key.slice(1), rack));
    const compared = racks.map(({ progress }) => progress).sort((a, b) => a - b);
    const median = compared[compared.length >> 1] ?? 0;
    return racks
      .map((rack) => (isOnItsWay(rack) && rack.progress < median - lagBy ? { ...rack, lags: true as const } : rack))
      .sort((a, b) => compareNatural(a.rack, b.rack));
  }
}

function isOnItsWay({ standings }: RackSummary): boolean {
  return (standings.arriving ?? 0) + (standings.pending ?? 0) > 0;
}

function summaryOf(rack: string, of: Rack): RackSummary {
  const { isSwitch, machines, standings, phases, counted, slowest } = of;
  return {
    rack,
    ...(isSwitch ? { isSwitch: true } : {}),
    ...{ machines, standings, phases },
    ...(slowest === undefined ? {} : { slowest, slowestMs: of.slowestMs }),
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
