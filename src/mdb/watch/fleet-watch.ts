import { setImmediate as nextTurn } from "node:timers/promises";
import type { MachineEvent } from "../../core/machine/event.ts";
import { nextRepair, type RepairPolicy, whyNoRebirth } from "../../core/machine/health/repair.ts";
import { checkProgress, type WatchRules, watchEvent } from "../../core/machine/health/stall-detection.ts";
import { nameOf } from "../../core/machine/life/move.ts";
import type { Machine } from "../../core/machine/record.ts";
import type { Clock, Log, Store } from "../../core/ports.ts";
import { openAgenda } from "./agenda.ts";

const tickMs = 1000;
/** Machines that are looked at in one turn of the event loop, some 2 ms: packets wait for it. */
const looksAtOnce = 500;
/** Turns in one tick; what is due beyond that is a second late. */
const turnsPerTick = 10;
/** What may not be done now is thought over again then. */
const laterMs = 60_000;
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

  /** What is to be done about a machine now; notes when to look again. */
  const consider = (machine: Machine): MachineEvent | undefined => {
    const nowMs = clock.nowMs();
    const progress = checkProgress(machine, nowMs, rules);
    const found = watchEvent(machine, progress) ?? repairOf(machine, nowMs);
    if (progress.kind === "well") agenda.note(machine.id, progress.lookAgainAtMs);
    if (found === undefined || store.leads()) return found;
    agenda.note(machine.id, nowMs + laterMs);
    return undefined;
  };
  const repairOf = (machine: Machine, nowMs: number): MachineEvent | undefined => {
    if (repair === undefined) return undefined;
    const policy = { ...repair, ...rules };
    const next = nextRepair(machine, nowMs, policy);
    if (next.kind === "none") return undefined;
    if (next.kind === "later") {
      agenda.note(machine.id, next.lookAgainAtMs);
      return undefined;
    }
    const { kind: _kind, ...step } = next;
    const why = step.step === "rebirth" ? whyNoRebirth(store.list(), nowMs, policy) : undefined;
    if (why === undefined) return { kind: "repairStepped", id: machine.id, ...step };
    agenda.note(machine.id, nowMs + laterMs);
    if (nowMs >= quietUntilMs)
      log("warn", "no machine is sent to rebirth by itself now", { why, machine: nameOf(machine) });
    quietUntilMs = nowMs + laterMs;
    return undefined;
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
        const event = consider(machine);
        if (event !== undefined) acts.push(act(event));
      }
      if (due.length < looksAtOnce) break;
      await nextTurn();
    }
    await Promise.all(acts);
  };

  const unwatch = store.watch(({ machine }) => {
    // The newest record: the change may be of a moment ago.
    const now = store.get(machine.id);
    const event = now === undefined ? undefined : consider(now);
    if (event !== undefined) void act(event);
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
