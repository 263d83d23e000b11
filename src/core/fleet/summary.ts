import { isWithin } from "../clock-jump.ts";
import { type ConditionKind, conditionKinds } from "../machine/condition.ts";
import { nameOf } from "../machine/life/move.ts";
import { type Phase, phases } from "../machine/phase.ts";
import type { Machine } from "../machine/record.ts";
import { type DiskTrust, diskTrustOf, type UnsealedTrust } from "../machine/trust.ts";
import { type Work, type WorkProgress, works } from "../machine/work-progress.ts";
import type { ExpectedSlots } from "../site/site-plan.ts";
import { type AgeSketch, ageQuantile, newAgeSketch, noteAge } from "./age-sketch.ts";
import { type Arrival, ArrivalTally } from "./arrival.ts";
import { BirthTimesTally, finishedBirth, leastBirths } from "./birth-times.ts";
import { type CauseFound, CauseTally } from "./causes.ts";
import { type MachineStatus, machineStatusOf, statuses } from "./machine-status.ts";
import { type RackSummary, RackTally } from "./racks.ts";
import type { RecordTally } from "./record-counts.ts";

/** The machines on their way in one phase: how many, how long they have been in it, and how long finished births were. */
export type PhaseSummary = {
  readonly phase: Phase;
  readonly machines: number;
  readonly p50Ms: number;
  readonly p95Ms: number;
  readonly maxMs: number;
  /** Absent while no birth of the last days is finished. */
  readonly usualP50Ms?: number;
  readonly usualP95Ms?: number;
};

/** What protects the disk keys of installed machines, and why others are not sealed. */
export type DiskKeyCounts = { readonly [K in Exclude<DiskTrust, "unsealed-key"> | UnsealedTrust]?: number };

/** A fleet at one time. `machines` does not count those retired; the statuses add up to `machines` and those retired. */
export type FleetSummary = {
  readonly nowMs: number;
  readonly machines: number;
  readonly statuses: { readonly [S in MachineStatus]: number };
  readonly conditions: { readonly [K in ConditionKind]?: number };
  readonly phases: readonly PhaseSummary[];
  readonly racks: readonly RackSummary[];
  /** Machines whose place is not known. */
  readonly unplaced: number;
  /** Machines with figures of the burn-in far below those of their siblings, although nothing failed. */
  readonly suspect: number;
  /** Births that ended in the last minutes, and how many that is per minute. */
  readonly births: { readonly lastMinutes: number; readonly count: number; readonly perMinute: number };
  readonly arrival: Arrival;
  /** The work whose progress this server has heard of. */
  readonly work: readonly WorkSummary[];
  readonly diskKeys: DiskKeyCounts;
};

/** One kind of work of all machines that told how far they are. */
export type WorkSummary = Pick<WorkProgress, "what" | "done" | "total"> & { readonly machines: number };

/** The summary, and the causes with an example of each. */
export type Summarised = { readonly summary: FleetSummary; readonly causes: readonly CauseFound[] };

/** The time over which births per minute are counted. */
const rateMinutes = 10;

/** What a summary goes by besides the records. */
export type SummaryRules = {
  readonly nowMs: number;
  readonly othersUpdate?: boolean;
  readonly expected?: ExpectedSlots;
  readonly progressOf?: (machine: Machine) => WorkProgress | undefined;
  /** Counted in the same pass, for those who need it. */
  readonly records?: RecordTally;
};

/** Summarises a fleet in steps of one machine each: linear in the number of machines. */
export function* summariseInSteps(
  machines: readonly Machine[],
  rules: SummaryRules,
): Generator<void, Summarised, undefined> {
  const tally = new FleetTally(rules);
  for (const machine of machines) {
    tally.add(machine);
    yield;
  }
  return yield* tally.summarise();
}

/** Summarises a fleet at once, for callers that hold up nobody. */
export function summarise(machines: readonly Machine[], rules: SummaryRules): Summarised {
  const steps = summariseInSteps(machines, rules);
  for (;;) {
    const step = steps.next();
    if (step.done === true) return step.value;
  }
}

class FleetTally {
  readonly #rules: SummaryRules;
  readonly #statuses = Object.fromEntries(statuses.map((status) => [status, 0])) as { [S in MachineStatus]: number };
  readonly #conditions = new Map<ConditionKind, number>();
  readonly #ages = new Map<Phase, AgeSketch>();
  readonly #racks = new RackTally();
  readonly #causes = new CauseTally();
  readonly #misplaced = new CauseTally();
  readonly #degraded = new CauseTally();
  readonly #arrival = new ArrivalTally();
  readonly #times: BirthTimesTally;
  readonly #work = new Map<Work, { machines: number; done: number; total: number }>();
  readonly #diskKeys: { -readonly [K in keyof DiskKeyCounts]: number } = {};
  #births = 0;
  #suspect = 0;

  constructor(rules: SummaryRules) {
    this.#rules = rules;
    this.#times = new BirthTimesTally(rules.nowMs);
  }

  add(machine: Machine): void {
    const { nowMs, othersUpdate } = this.#rules;
    const status = machineStatusOf(machine, othersUpdate);
    this.#statuses[status] += 1;
    this.#rules.records?.add(machine, nowMs);
    for (const { kind } of machine.conditions) this.#conditions.set(kind, (this.#conditions.get(kind) ?? 0) + 1);
    if (machine.suspects !== undefined) this.#suspect += 1;
    this.#addDiskKey(machine);
    this.#racks.add(machine, { status, nowMs, name: nameOf(machine) });
    if (status === "failing") this.#causes.add(machine);
    if (status === "arriving") this.#misplaced.add(machine);
    if (status === "up") this.#degraded.add(machine);
    if (status === "arriving") this.#addArriving(machine);
    const progress = this.#rules.progressOf?.(machine);
    if (progress !== undefined) this.#addWork(progress);
    const birth = finishedBirth(machine);
    if (birth === undefined) return;
    this.#times.add(machine, birth);
    if (isWithin(rateMinutes * 60_000, birth.upAtMs, nowMs)) this.#births += 1;
  }

  #addWork({ what, done, total }: WorkProgress): void {
    const sum = this.#work.get(what) ?? { machines: 0, done: 0, total: 0 };
    this.#work.set(what, { machines: sum.machines + 1, done: sum.done + done, total: sum.total + total });
  }

  #addDiskKey(machine: Machine): void {
    if (machine.state !== "healthy") return;
    const { disk, unsealed } = diskTrustOf(machine);
    const kind = disk === "unsealed-key" ? unsealed : disk;
    if (kind !== undefined) this.#diskKeys[kind] = (this.#diskKeys[kind] ?? 0) + 1;
  }

  #addArriving(machine: Machine): void {
    const { nowMs } = this.#rules;
    this.#arrival.add(machine, nowMs);
    const { phase, phaseAtMs } = machine;
    if (phase === undefined) return;
    const ages = this.#ages.get(phase) ?? newAgeSketch();
    this.#ages.set(phase, ages);
    noteAge(ages, Math.max(0, nowMs - (phaseAtMs ?? nowMs)));
  }

  *summarise(): Generator<void, Summarised, undefined> {
    const { nowMs } = this.#rules;
    const perMinute = this.#births / rateMinutes;
    const arrival = yield* this.#arrival.estimate(this.#times, { nowMs, perMinute });
    const { retired, ...present } = this.#statuses;
    const { births, inPhase } = this.#times.all;
    const racks = this.#racks.summaries((phase) => {
      const stays = births < leastBirths ? undefined : inPhase.get(phase);
      return stays === undefined ? undefined : ageQuantile(stays, 0.95);
    }, this.#rules.expected);
    yield;
    const conditions = conditionKinds.flatMap((kind) => {
      const machines = this.#conditions.get(kind);
      return machines === undefined ? [] : [[kind, machines] as const];
    });
    return {
      summary: {
        nowMs,
        machines: Object.values(present).reduce((sum, count) => sum + count, 0),
        statuses: { ...present, retired },
        conditions: Object.fromEntries(conditions),
        phases: phases.flatMap((phase) => this.#phaseSummary(phase)),
        racks,
        unplaced: this.#racks.unplaced(),
        suspect: this.#suspect,
        births: { lastMinutes: rateMinutes, count: this.#births, perMinute },
        arrival,
        work: works.flatMap((what) => {
          const sum = this.#work.get(what);
          return sum === undefined ? [] : [{ what, ...sum }];
        }),
        diskKeys: this.#diskKeys,
      },
      causes: [...this.#causes.found(), ...this.#misplaced.found(), ...this.#degraded.found()],
    };
  }

  #phaseSummary(phase: Phase): PhaseSummary[] {
    const ages = this.#ages.get(phase);
    if (ages === undefined) return [];
    const [p50Ms, p95Ms] = [ageQuantile(ages, 0.5), ageQuantile(ages, 0.95)].map(Math.round) as [number, number];
    const usual = this.#times.all.inPhase.get(phase);
    const usualTimes =
      usual === undefined
        ? {}
        : { usualP50Ms: Math.round(ageQuantile(usual, 0.5)), usualP95Ms: Math.round(ageQuantile(usual, 0.95)) };
    return [{ phase, machines: ages.total, p50Ms, p95Ms, maxMs: ages.maxMs, ...usualTimes }];
  }
}
