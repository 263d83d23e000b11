import type { MachineEvent } from "../../core/machine/event.ts";
import { lookAt } from "../../core/machine/health/look.ts";
import {
  emptyTally,
  type Presence,
  type RepairPolicy,
  type RepairTally,
  tallyForRepair,
} from "../../core/machine/health/repair.ts";
import type { WatchRules } from "../../core/machine/health/stall-detection.ts";
import { nameOf } from "../../core/machine/life/move.ts";
import type { Machine, MachineId } from "../../core/machine/record.ts";
import type { Ipv4 } from "../../core/net/ipv4.ts";
import { putNewest } from "../../core/newest.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { startInterval } from "../timer.ts";
import { forEachInTurns, openTurns } from "../turns.ts";
import { openAgenda } from "./agenda.ts";

const tickMs = 1000;
/** Machines that are taken from the agenda together; after them, the turn of the event loop may end. */
const looksAtOnce = 50;
/** Machines examined per tick; those beyond are a second late. */
const looksPerTick = 5000;
/** Interval between log messages that no machine is sent to rebirth. */
const quietMs = 60_000;
/** How long the result of a probe or of a count of the fleet is valid: the step that asked for it is taken at once. */
const knownMs = 30_000;
const presenceLimit = 1024;
/** Machines whose addresses are probed at the same time. */
const probesAtOnce = 16;
/** Difference between wall clock and monotonic clock above which the wall clock counts as set. */
const clockJumpMs = 30_000;

/** Watches the fleet for stalled machines until disposed. */
export type FleetWatch = Disposable & {
  /** Checks due machines; called each second. Resolves when all findings are written. */
  readonly tick: () => Promise<void>;
};

/** What the watch needs. */
type FleetWatchDeps = {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: WatchRules;
  /** If absent, machines are never repaired automatically. */
  readonly repair?: RepairPolicy;
  /** Whether an address answers this server; needed with `repair`. */
  readonly probe?: (address: Ipv4) => Promise<Presence>;
};

/**
 * Opens the watch. Of several processes on one database all watch and the lead acts. After a start, or when the clock
 * was set, each deadline starts again, because the silence before was not the machines' fault.
 */
export function openFleetWatch(deps: FleetWatchDeps): FleetWatch {
  const { store, clock } = deps;
  const checks = new FleetChecks(deps);
  const unwatch = store.watch(({ machine }) => {
    // The current record, because the change may be a moment old.
    const now = store.get(machine.id);
    if (now !== undefined) void checks.consider(now);
  });
  void checks.scheduleAll(clock.nowMs());
  const stopTicking = startInterval(clock, tickMs, () => void checks.tick());
  return {
    tick: () => checks.tick(),
    [Symbol.dispose]: () => {
      checks.end();
      stopTicking();
      unwatch();
    },
  };
}

/** Looks at machines when they are due, and records what core finds. */
class FleetChecks {
  readonly #deps: FleetWatchDeps;
  readonly #agenda = openAgenda();
  #rules: WatchRules;
  /** Difference between wall clock and monotonic clock. */
  #aheadMs: number;
  readonly #presence = new Map<MachineId, { readonly found: Presence; readonly atMonotonicMs: number }>();
  readonly #probing = new Set<MachineId>();
  #tally: { readonly counted: RepairTally; readonly atMonotonicMs: number } | undefined;
  #counting: Promise<void> | undefined;
  /** Machines that are looked at again when the fleet is counted. */
  readonly #awaitTally = new Set<MachineId>();
  #quietUntilMs = 0;
  #isEnded = false;

  constructor(deps: FleetWatchDeps) {
    const { clock, rules } = deps;
    this.#deps = deps;
    this.#rules = { ...rules, listeningSinceMs: clock.nowMs() };
    this.#aheadMs = clock.nowMs() - clock.monotonicMs();
  }

  /** Schedules a look at each machine; machines that come meanwhile are scheduled by their first change. */
  async scheduleAll(atMs: number): Promise<void> {
    await forEachInTurns([...this.#deps.store.list()], ({ id }) => this.#agenda.note(id, atMs));
  }

  /** Checks a machine and records the finding; schedules the next check. */
  consider(machine: Machine): Promise<void> | undefined {
    const { store, clock, repair } = this.#deps;
    const nowMs = clock.nowMs();
    const presenceOf = ({ id }: Machine) => this.#presenceOf(id);
    const tally = () => this.#knownTally();
    const by = { rules: this.#rules, repair, leads: store.leads, tally, presenceOf };
    const { event, lookAgainAtMs, putOff, count, probe } = lookAt(machine, nowMs, by);
    if (count === true) this.#countFor(machine.id);
    if (probe === true) void this.#probe(machine);
    if (lookAgainAtMs !== undefined) this.#agenda.note(machine.id, lookAgainAtMs);
    if (putOff !== undefined) this.#logPutOff(machine, putOff);
    // At once: the next machine must not find the same room in the hourly limit.
    if (event?.kind === "repairStepped" && event.step === "rebirth") this.#addRebirth();
    return event && this.#record(event);
  }

  /** Checks all due machines, in several turns of the event loop. */
  async tick(): Promise<void> {
    const { store, clock } = this.#deps;
    this.#noticeClock();
    const turns = openTurns();
    for (let looks = 0; looks < looksPerTick && !this.#isEnded; looks += looksAtOnce) {
      const due = this.#agenda.due(clock.nowMs(), looksAtOnce);
      const records: Promise<void>[] = [];
      for (const id of due) {
        const machine = store.get(id);
        const recording = machine && this.consider(machine);
        if (recording !== undefined) records.push(recording);
      }
      // The findings of these are written before the next are looked at, so that the queue of the database stays short.
      if (records.length > 0) await Promise.all(records);
      if (due.length < looksAtOnce) break;
      if (turns.isOver()) await turns.next();
    }
    await this.#counting;
  }

  end(): void {
    this.#isEnded = true;
  }

  #knownTally(): RepairTally | undefined {
    const known = this.#tally;
    if (known === undefined || this.#deps.clock.monotonicMs() - known.atMonotonicMs >= knownMs) return undefined;
    return known.counted;
  }

  #addRebirth(): void {
    if (this.#tally === undefined) return;
    const { counted, atMonotonicMs } = this.#tally;
    this.#tally = { counted: { ...counted, begun: counted.begun + 1 }, atMonotonicMs };
  }

  /** Counts the fleet once for all machines that wait for it, and looks at them again. */
  #countFor(id: MachineId): void {
    this.#awaitTally.add(id);
    this.#counting ??= this.#count().finally(() => {
      this.#counting = undefined;
    });
  }

  async #count(): Promise<void> {
    const { store, clock } = this.#deps;
    const now = { ...this.#rules, nowMs: clock.nowMs() };
    let counted = emptyTally;
    await forEachInTurns([...store.list()], (machine) => {
      counted = tallyForRepair(counted, machine, now);
    });
    this.#tally = { counted, atMonotonicMs: clock.monotonicMs() };
    const waiting = [...this.#awaitTally];
    this.#awaitTally.clear();
    await forEachInTurns(waiting, (id) => {
      const machine = this.#isEnded ? undefined : store.get(id);
      if (machine !== undefined) void this.consider(machine);
    });
  }

  #presenceOf(id: MachineId): Presence | undefined {
    const known = this.#presence.get(id);
    if (known === undefined) return undefined;
    if (this.#deps.clock.monotonicMs() - known.atMonotonicMs < knownMs) return known.found;
    this.#presence.delete(id);
    return undefined;
  }

  /** Probes the permanent address of a machine, a few machines at a time; the others are looked at again later. */
  async #probe({ id, permanentAddress: address }: Machine): Promise<void> {
    const { probe, clock, log, store } = this.#deps;
    if (probe === undefined || address === undefined) return;
    if (this.#probing.has(id) || this.#probing.size >= probesAtOnce) return;
    this.#probing.add(id);
    const found = await probe(address).catch((error: unknown): Presence => {
      log("warn", "probing the permanent address of a machine failed", { machine: id, error: String(error) });
      return "unknown";
    });
    this.#probing.delete(id);
    if (this.#isEnded) return;
    putNewest(this.#presence, [id, { found, atMonotonicMs: clock.monotonicMs() }], presenceLimit);
    const now = store.get(id);
    if (now !== undefined) await this.consider(now);
  }

  #logPutOff(machine: Machine, why: string): void {
    const nowMs = this.#deps.clock.monotonicMs();
    if (nowMs >= this.#quietUntilMs)
      this.#deps.log("warn", "automatic rebirths are suspended", { why, machine: nameOf(machine) });
    this.#quietUntilMs = nowMs + quietMs;
  }

  async #record(event: MachineEvent): Promise<void> {
    const { store, log } = this.#deps;
    try {
      const options = event.kind === "repairStepped" ? { by: "policy" } : {};
      await store.apply(event, options);
    } catch (cause) {
      // The next start finds it again.
      if (this.#isEnded) return;
      log("error", "recording a finding of the watch failed", { event: event.kind, cause });
    }
  }

  #noticeClock(): void {
    const { clock, log } = this.#deps;
    const nowMs = clock.nowMs();
    const aheadMs = nowMs - clock.monotonicMs();
    const jumpMs = aheadMs - this.#aheadMs;
    if (Math.abs(jumpMs) < clockJumpMs) return;
    log("warn", "the clock was set; deadlines start again", { seconds: Math.round(jumpMs / 1000) });
    this.#aheadMs = aheadMs;
    this.#rules = { ...this.#rules, listeningSinceMs: nowMs };
    void this.scheduleAll(nowMs);
  }
}
