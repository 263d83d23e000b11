import type { Phase } from "../machine/phase.ts";
import type { Machine } from "../machine/record.ts";
import { type AgeSketch, ageCountUpTo } from "./age-sketch.ts";
import { type BirthTimesTally, leastBirths, modelOf } from "./birth-times.ts";

/** When the machines that are on their way will be up. Machines that fail, are held or have not begun are not among them. */
export type Arrival =
  | { readonly kind: "done" }
  /** No estimate, and why not. */
  | { readonly kind: "unknown"; readonly arriving: number; readonly why: string }
  | {
      readonly kind: "estimate";
      readonly arriving: number;
      /** All of them are up by then with a probability of 50 and of 90 %, if they take as long as the births before them. */
      readonly p50AtMs: number;
      readonly p90AtMs: number;
      /** When they are up at the rate of the last minutes; absent if none got up. */
      readonly atRateAtMs?: number;
      /** Machines that have been in their phase for longer than any birth before them: the estimate leaves them out. */
      readonly slower: number;
      /** The finished births that the estimate goes by. */
      readonly births: number;
      /** `low`: few births, many slower machines, or the rate says something else. */
      readonly confidence: "low" | "medium" | "high";
    };

/** Machines of one model in one phase, that entered it at about the same time. */
type Cell = { readonly model: string; readonly phase: Phase; readonly ageMs: number; machines: number };

/** Ages within a tenth are taken together. */
const growth = Math.log(1.1);
const searchSteps = 40;

/** The machines on their way by model, phase and time in the phase; constant time for each. */
export class ArrivalTally {
  readonly #cells = new Map<string, Cell>();
  #arriving = 0;

  /** Counts a machine that is on its way. */
  add(machine: Machine, nowMs: number): void {
    const { phase, phaseAtMs } = machine;
    if (phase === undefined) return;
    this.#arriving += 1;
    const model = modelOf(machine);
    const ageMs = Math.max(1, nowMs - (phaseAtMs ?? nowMs));
    const bucket = Math.round(Math.log(ageMs) / growth);
    const key = `${phase} ${bucket} ${model}`;
    const cell = this.#cells.get(key) ?? { model, phase, ageMs: Math.exp(bucket * growth), machines: 0 };
    cell.machines += 1;
    this.#cells.set(key, cell);
  }

  /** The estimate, in steps of one look at all cells each. */
  *estimate(
    times: BirthTimesTally,
    { nowMs, perMinute }: { readonly nowMs: number; readonly perMinute: number },
  ): Generator<void, Arrival, undefined> {
    const arriving = this.#arriving;
    if (arriving === 0) return { kind: "done" };
    const { births } = times.all;
    if (births < leastBirths) {
      const why = `an estimate needs ${leastBirths} finished births of the last days, and there are ${births}`;
      return { kind: "unknown", arriving, why };
    }
    const { known, slower } = this.#knownCells(times);
    if (known.length === 0) return { kind: "unknown", arriving, why: "all of them take longer than any birth before" };
    const maxMs = Math.max(...known.map(({ sketch, ageMs }) => sketch.maxMs - ageMs), 1000);
    const inMs = function* (share: number) {
      let [low, high] = [0, maxMs];
      for (let step = 0; step < searchSteps; step += 1) {
        const middle = (low + high) / 2;
        if (probabilityAt(known, middle) >= share) high = middle;
        else low = middle;
        yield;
      }
      return high;
    };
    const p50Ms = yield* inMs(0.5);
    const p90Ms = Math.max(p50Ms, yield* inMs(0.9));
    const atRateMs = perMinute > 0 ? (arriving / perMinute) * 60_000 : undefined;
    return {
      kind: "estimate",
      ...{ arriving, slower, births },
      ...{ p50AtMs: Math.round(nowMs + p50Ms), p90AtMs: Math.round(nowMs + p90Ms) },
      ...(atRateMs === undefined ? {} : { atRateAtMs: Math.round(nowMs + atRateMs) }),
      confidence: confidenceOf({ arriving, births, slower, p90Ms, atRateMs }),
    };
  }

  #knownCells(times: BirthTimesTally): { known: KnownCell[]; slower: number } {
    const known: KnownCell[] = [];
    let slower = 0;
    for (const cell of this.#cells.values()) {
      const sketch = times.of(cell.model).untilUp.get(cell.phase) ?? times.all.untilUp.get(cell.phase);
      const longer = sketch === undefined ? 0 : sketch.total - ageCountUpTo(sketch, cell.ageMs);
      if (sketch === undefined || longer <= 0) slower += cell.machines;
      else known.push({ ...cell, sketch, longer });
    }
    return { known, slower };
  }
}

/** A cell, the times of births before it, and how many of those took longer than it has taken so far. */
type KnownCell = Cell & { readonly sketch: AgeSketch; readonly longer: number };

/** The probability that all machines are up after this time, each independent of the others. */
function probabilityAt(cells: readonly KnownCell[], afterMs: number): number {
  let logarithm = 0;
  for (const { sketch, longer, ageMs, machines } of cells) {
    const share = (ageCountUpTo(sketch, ageMs + afterMs) - (sketch.total - longer)) / longer;
    if (share <= 0) return 0;
    logarithm += machines * Math.log(Math.min(1, share));
  }
  return Math.exp(logarithm);
}

function confidenceOf(of: {
  readonly arriving: number;
  readonly births: number;
  readonly slower: number;
  readonly p90Ms: number;
  readonly atRateMs: number | undefined;
}): "low" | "medium" | "high" {
  const { arriving, births, slower, p90Ms, atRateMs } = of;
  const isQueued = atRateMs !== undefined && atRateMs > 2 * p90Ms;
  if (births < 20 || slower > arriving / 10 || isQueued) return "low";
  return births < 100 || slower > 0 ? "medium" : "high";
}
