import { setImmediate as nextTurn } from "node:timers/promises";
import type { MachineEvent } from "../../core/machine/event.ts";
import { lookAt } from "../../core/machine/health/look.ts";
import type { RepairPolicy } from "../../core/machine/health/repair.ts";
import type { WatchRules } from "../../core/machine/health/stall-detection.ts";
import { nameOf } from "../../core/machine/life/move.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { openAgenda } from "./agenda.ts";

const tickMs = 1000;
/** Machines examined in one turn of the event loop, some 2 ms, because packets wait for it. */
const looksAtOnce = 500;
/** Turns per tick; machines beyond that are a second late. */
const turnsPerTick = 10;
/** Interval between log messages that no machine is sent to rebirth. */
const quietMs = 60_000;
/** Difference between wall clock and monotonic clock above which the wall clock counts as set. */
const clockJumpMs = 30_000;

/** Watches the fleet for stalled machines until disposed. */
export type FleetWatch = Disposable & {
  /** Checks due machines; called each second. Resolves when all findings are written. */
  readonly tick: () => Promise<void>;
};

/**
 * Opens the watch. Of several processes on one database all watch and the lead acts. After a start, or when the clock
 * was set, each deadline starts again, because the silence before was not the machines' fault.
 */
export function openFleetWatch(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: WatchRules;
  /** If absent, machines are never repaired automatically. */
  readonly repair?: RepairPolicy;
}): FleetWatch {
  const { store, clock, log, repair } = deps;
  const agenda = openAgenda();
  let rules: WatchRules = { ...deps.rules, listeningSinceMs: clock.nowMs() };
  let aheadMs = clock.nowMs() - clock.monotonicMs();
  let quietUntilMs = 0;
  let ended = false;

  /** Checks a machine and records the finding; schedules the next check. */
  const consider = (machine: Machine): Promise<void> | undefined => {
    const nowMs = clock.nowMs();
    const by = { rules, repair, leads: store.leads, fleet: store.list };
    const { event, lookAgainAtMs, putOff } = lookAt(machine, nowMs, by);
    if (lookAgainAtMs !== undefined) agenda.note(machine.id, lookAgainAtMs);
    if (putOff !== undefined) tellPutOff(machine, putOff, nowMs);
    return event && act(event);
  };
  const tellPutOff = (machine: Machine, why: string, nowMs: number) => {
    if (nowMs >= quietUntilMs) log("warn", "automatic rebirths are suspended", { why, machine: nameOf(machine) });
    quietUntilMs = nowMs + quietMs;
  };
  const act = async (event: MachineEvent): Promise<void> => {
    try {
      const options = event.kind === "repairStepped" ? { by: "policy" } : {};
      await store.apply(event, options);
    } catch (cause) {
      // The next start finds it again.
      if (ended) return;
      log("error", "recording a finding of the watch failed", { event: event.kind, cause });
    }
  };
  const noticeClock = () => {
    const ahead = clock.nowMs() - clock.monotonicMs();
    if (Math.abs(ahead - aheadMs) < clockJumpMs) return;
    log("warn", "the clock was set; deadlines start again", { seconds: Math.round((ahead - aheadMs) / 1000) });
    aheadMs = ahead;
    rules = { ...rules, listeningSinceMs: clock.nowMs() };
    for (const machine of store.list()) agenda.note(machine.id, clock.nowMs());
  };
  const tick = async (): Promise<void> => {
    noticeClock();
    const acts: Promise<void>[] = [];
    for (let turn = 0; turn < turnsPerTick && !ended; turn += 1) {
      const due = agenda.due(clock.nowMs(), looksAtOnce);
      for (const machine of due.flatMap((id) => store.get(id) ?? [])) {
        const acting = consider(machine);
        if (acting !== undefined) acts.push(acting);
      }
      if (due.length < looksAtOnce) break;
      await nextTurn();
    }
    await Promise.all(acts);
  };

  const unwatch = store.watch(({ machine }) => {
    // The current record, because the change may be a moment old.
    const now = store.get(machine.id);
    if (now !== undefined) void consider(now);
  });
  for (const machine of store.list()) agenda.note(machine.id, clock.nowMs());
  const timer = setInterval(() => void tick(), tickMs).unref();
  return {
    tick,
    [Symbol.dispose]: () => {
      ended = true;
      clearInterval(timer);
      unwatch();
    },
  };
}
