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
/** Machines that are looked at in one turn of the event loop, some 2 ms: packets wait for it. */
const looksAtOnce = 500;
/** Turns in one tick; what is due beyond that is a second late. */
const turnsPerTick = 10;
/** It is not said more often than this that no machine is sent to rebirth. */
const quietMs = 60_000;
/** Wall clock and steady clock may part by so much before the wall clock counts as set. */
const clockJumpMs = 30_000;

/** Watches the fleet for machines that do not get on, until it is disposed of. */
export type FleetWatch = Disposable & {
  /** Looks at what is due; called each second. Resolves when all that it found is written. */
  readonly tick: () => Promise<void>;
};

/**
 * Opens the watch. Of several processes on one database all watch and the one that leads acts. After a start, or when the
 * clock was set, each deadline begins anew: that nobody was heard before was not the machines' fault.
 */
export function openFleetWatch(deps: {
  readonly store: Store;
  readonly clock: Clock;
  readonly log: Log;
  readonly rules: WatchRules;
  /** Absent: machines are never repaired by themselves. */
  readonly repair?: RepairPolicy;
}): FleetWatch {
  const { store, clock, log, repair } = deps;
  const agenda = openAgenda();
  let rules: WatchRules = { ...deps.rules, listeningSinceMs: clock.nowMs() };
  let aheadMs = clock.nowMs() - clock.monotonicMs();
  let quietUntilMs = 0;
  let ended = false;

  /** Looks at a machine and records what is found; notes when to look again. */
  const consider = (machine: Machine): Promise<void> | undefined => {
    const nowMs = clock.nowMs();
    const by = { rules, repair, leads: store.leads, fleet: store.list };
    const { event, lookAgainAtMs, putOff } = lookAt(machine, nowMs, by);
    if (lookAgainAtMs !== undefined) agenda.note(machine.id, lookAgainAtMs);
    if (putOff !== undefined) tellPutOff(machine, putOff, nowMs);
    return event && act(event);
  };
  const tellPutOff = (machine: Machine, why: string, nowMs: number) => {
    if (nowMs >= quietUntilMs)
      log("warn", "no machine is sent to rebirth by itself now", { why, machine: nameOf(machine) });
    quietUntilMs = nowMs + quietMs;
  };
  const act = async (event: MachineEvent): Promise<void> => {
    try {
      const options = event.kind === "repairStepped" ? { by: "policy" } : {};
      await store.apply(event, options);
    } catch (cause) {
      // The next start finds it again.
      if (ended) return;
      log("error", "what the watch found was not recorded", { event: event.kind, cause });
    }
  };
  const noticeClock = () => {
    const ahead = clock.nowMs() - clock.monotonicMs();
    if (Math.abs(ahead - aheadMs) < clockJumpMs) return;
    log("warn", "the clock was set: deadlines begin anew", { seconds: Math.round((ahead - aheadMs) / 1000) });
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
    // The newest record: the change may be of a moment ago.
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
