import { fault } from "./errno.ts";
import { endIn, endOfRun, type RunEnd } from "./run-end.ts";
import { openTroubles, type Trouble, type TroubleRule } from "./trouble.ts";

/** The time of the world, which passes whether a machine runs or not. Milliseconds since 1970. */
export type WorldClock = { nowMs: number };

/** A process besides PID 1, and what it waits for. */
export type Task = {
  readonly pid: number;
  timers: { readonly atMs: number; readonly callback: () => void }[];
  /** By descriptor; called when there is something to read. */
  readonly readers: Map<number, () => void>;
};

/** An event of the world at a certain time, such as a watchdog that resets the machine. */
export type Alarm = { atMs: number; readonly ring: () => void };

/** The settings of a run. */
export type RunOptions = {
  readonly troubles?: readonly TroubleRule[];
  /** Cuts the power just before the call with this number. */
  readonly cutAt?: number;
  /** The deviation of the machine's clock from the true time. */
  readonly skewMs?: number;
};

/** The order of events in one boot: each system call goes through `call`, and time passes only here. */
export type Cpu = {
  /**
   * Makes a system call: counts it, and first cuts the power or applies a trouble. `work` receives the troubles that it
   * must act out itself.
   */
  readonly call: <Result>(name: string, about: string, work: (trouble: Trouble | undefined) => Result) => Result;
  readonly advance: (milliseconds: number) => void;
  /** Lets time pass until the condition holds or the limit is reached; returns whether it holds. */
  readonly advanceUntil: (holds: () => boolean, limitMs: number) => boolean;
  readonly hang: () => never;
  readonly end: (end: RunEnd) => never;
  /** Continues after the root was switched: another program runs in the same boot. */
  readonly resume: () => void;
  readonly monotonicMs: () => number;
  readonly realtimeMs: () => number;
  /** The true time, which devices live by. */
  readonly worldMs: () => number;
  readonly setRealtime: (nowMs: number) => void;
  readonly tasks: Map<number, Task>;
  readonly alarms: Set<Alarm>;
  /** Runs work as another process, which `current` identifies. */
  readonly runAs: (pid: number, work: () => void) => void;
  readonly current: () => number;
  /** Runs a program in the foreground to its end, and tells how that came; another process may kill it in the meantime. */
  readonly runForeground: (program: () => void) => "ended" | "threw" | "killed";
  readonly killForeground: () => void;
  /** All calls so far, in order: `name about`. */
  readonly calls: readonly string[];
  /** Number of calls with a trouble: a test whose trouble never happened proves nothing. */
  readonly struck: () => number;
};

/** The cost of a call: small, but loops that watch the clock end. */
const callMs = 0.02;
/** After this time without an end, a machine hangs forever. */
const foreverMs = 7 * 86_400_000;

/** Makes the order of events of a powered-on machine. */
export function makeCpu(world: WorldClock, { troubles = [], cutAt, skewMs = 0 }: RunOptions): Cpu {
  const trouble = openTroubles(troubles);
  const calls: string[] = [];
  const tasks = new Map<number, Task>();
  const alarms = new Set<Alarm>();
  let monotonicMs = 1000;
  let skew = skewMs;
  let pid = 1;
  let ended: RunEnd | undefined;
  let struck = 0;
  let killed = false;

  /** No call of a run that has ended returns, nor one of a killed program. */
  function demandLife(): void {
    if (ended !== undefined) throw endOfRun(ended);
    if (killed && pid === 1) throw new Error("this program was killed");
  }
  function runForeground(program: () => void): "ended" | "threw" | "killed" {
    try {
      program();
      return killed ? "killed" : "ended";
    } catch (error) {
      if (endIn(error) !== undefined) throw error;
      return killed ? "killed" : "threw";
    } finally {
      killed = false;
    }
  }

  function end(how: RunEnd): never {
    ended ??= how;
    throw endOfRun(ended);
  }
  function pass(milliseconds: number): void {
    monotonicMs += milliseconds;
    world.nowMs += milliseconds;
  }
  function nextEvent(untilMs: number): { readonly atMs: number; readonly run: () => void } | undefined {
    let next: { readonly atMs: number; readonly run: () => void } | undefined;
    for (const alarm of alarms)
      if (alarm.atMs <= untilMs && alarm.atMs < (next?.atMs ?? Number.POSITIVE_INFINITY))
        next = { atMs: alarm.atMs, run: () => ring(alarm) };
    for (const task of tasks.values())
      for (const timer of task.timers)
        if (timer.atMs <= untilMs && timer.atMs < (next?.atMs ?? Number.POSITIVE_INFINITY))
          next = { atMs: timer.atMs, run: () => fire(task, timer) };
    return next;
  }
  function ring(alarm: Alarm): void {
    alarms.delete(alarm);
    alarm.ring();
  }
  function fire(task: Task, timer: Task["timers"][number]): void {
    task.timers = task.timers.filter((each) => each !== timer);
    runAs(task.pid, timer.callback);
  }
  function runAs(other: number, work: () => void): void {
    const before = pid;
    pid = other;
    try {
      work();
    } catch (error) {
      if (endIn(error) !== undefined || before === other) throw error;
      // A process that throws ends, and a process that waits for it sees that.
      tasks.delete(other);
    } finally {
      pid = before;
    }
  }
  function advance(milliseconds: number): void {
    demandLife();
    const untilMs = monotonicMs + milliseconds;
    // The actions of another process take no time, because it runs on another CPU.
    if (pid === 1)
      for (let next = nextEvent(untilMs); next !== undefined; next = nextEvent(untilMs)) {
        pass(Math.max(0, next.atMs - monotonicMs));
        next.run();
        demandLife();
      }
    pass(Math.max(0, untilMs - monotonicMs));
  }
  function advanceUntil(holds: () => boolean, limitMs: number): boolean {
    const untilMs = monotonicMs + limitMs;
    while (!holds()) {
      const next = nextEvent(untilMs);
      if (next === undefined) {
        advance(untilMs - monotonicMs);
        return holds();
      }
      advance(Math.max(0, next.atMs - monotonicMs));
    }
    return true;
  }
  function hang(): never {
    advance(foreverMs);
    return end({ kind: "hung" });
  }
  function call<Result>(name: string, about: string, work: (trouble: Trouble | undefined) => Result): Result {
    demandLife();
    calls.push(`${name} ${about}`);
    if (calls.length === cutAt) end({ kind: "powerCut" });
    advance(callMs);
    const found = trouble.of(name, about);
    if (found !== undefined) struck += 1;
    if (found?.kind === "fails") throw fault(found.errno);
    if (found?.kind === "says") throw new Error(`${name}: ${found.words}`);
    if (found?.kind === "hangs") hang();
    if (found?.kind === "slow") advance(found.milliseconds);
    return work(found);
  }

  return {
    struck: () => struck,
    resume: () => {
      if (ended?.kind === "switchedRoot") ended = undefined;
    },
    ...{ call, advance, advanceUntil, hang, end, runAs, runForeground, tasks, alarms, calls },
    killForeground: () => {
      killed = true;
    },
    monotonicMs: () => monotonicMs,
    realtimeMs: () => world.nowMs + skew,
    worldMs: () => world.nowMs,
    setRealtime: (nowMs) => {
      skew = nowMs - world.nowMs;
    },
    current: () => pid,
  };
}
