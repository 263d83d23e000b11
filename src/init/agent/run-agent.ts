import * as host from "host";
import * as std from "std";
import { decideLoneSub } from "../../core/birth/unreachable-mdb.ts";
import { isOnTrial } from "../../core/image/boot/kernel-trial.ts";
import type { Log } from "../../core/ports.ts";
import { messageOf } from "../birth/stop.ts";
import { describeEntry, openConsole } from "../device/console.ts";
import { sleepMs } from "../system/clock.ts";
import { pauseMsAfter } from "../system/http.ts";
import { readKernelRecord, runningKernel } from "./boot/kernel-record.ts";
import { openSession } from "./mdb/session.ts";
import { readSubSettings } from "./mdb/settings.ts";
import { isPidOne, noDuties, pidOneDuties } from "./pid-one.ts";
import { restart } from "./restart.ts";
import { supervisedDuties } from "./sign-of-life.ts";
import type { SubContext } from "./sub-context.ts";
import { type AgentProgram, versionOf } from "./versions/programs.ts";
import { reportUnmounted } from "./volumes/mounted.ts";

const retrySeconds = 5;
/** Repeats the message, so that a console shows the problem without scrolling. */
const remindMs = 60_000;

/** Command-line arguments: the root to manage, and whether to exit when nothing is left to do. */
export type AgentArguments = {
  readonly root: string;
  readonly once: boolean;
  /** The files of this agent. */
  readonly program: AgentProgram;
  /** A supervisor watches it. */
  readonly supervised?: boolean;
};

/** Everything but the settings, which are read again after each failure. */
type AgentContext = Omit<SubContext, "settings">;

/** A service's output goes to the system journal, which adds the time. */
export const serviceLog: Log = (level, message, facts = {}) => {
  if (level === "debug") return;
  print(`${level}: ${message} ${JSON.stringify(facts)}`);
  std.out.flush();
};

/** Limit of pending lines for the MDB; the oldest are dropped. */
const mostKeptLines = 500;

/** The log of a service whose lines the MDB gets, too. */
function serviceLines(): Pick<SubContext, "log" | "takeLines"> {
  let pending: string[] = [];
  return {
    log: (level, message, facts) => {
      serviceLog(level, message, facts);
      if (level === "debug") return;
      pending = [...pending, describeEntry(level, message, facts).slice(0, 2000)].slice(-mostKeptLines);
    },
    takeLines: () => {
      const lines = pending;
      pending = [];
      return lines;
    },
  };
}

function openAgentContext({ root, program, supervised = false }: AgentArguments): AgentContext {
  const version = versionOf(program);
  const duties = supervised ? supervisedDuties(root) : noDuties;
  if (!isPidOne()) return { root, version, ...serviceLines(), ...duties };
  const { log, takeLines } = openConsole();
  return { root, version, log, takeLines, ...pidOneDuties() };
}

function waitSeconds(seconds: number, alive: () => void): void {
  const endMs = host.monotonicMs() + seconds * 1000;
  for (let leftMs = seconds * 1000; leftMs > 0; leftMs = endMs - host.monotonicMs()) {
    alive();
    sleepMs(Math.min(leftMs, 1000));
  }
}

/** Reaction to a failure: a pause, or a restart if the machine would otherwise stay unreachable. */
type AfterFailure = { readonly answered: () => void; readonly wait: (error: unknown) => void };

function afterFailure(context: AgentContext): AfterFailure {
  const startedMs = host.monotonicMs();
  let hasAnswered = false;
  let remindedMs = Number.NEGATIVE_INFINITY;
  const { root, log, alive } = context;

  function wait(error: unknown): void {
    const nowMs = host.monotonicMs();
    const next = decideLoneSub({
      canGoBack: isPidOne() || isOnTrial(readKernelRecord(root), runningKernel()),
      answered: hasAnswered,
      elapsedMs: nowMs - startedMs,
    });
    if (next.kind === "restart") {
      log("error", "the MDB never answered at the permanent address; check cabling, gateway and networks[].permanent");
      restart(context);
    }
    if (next.kind === "restartLater" && nowMs - remindedMs >= remindMs) {
      log("warn", "the MDB has not answered yet; without an answer this machine restarts", {
        inSeconds: next.inSeconds,
      });
      remindedMs = nowMs;
    }
    waitSeconds(pauseMsAfter(error, retrySeconds * 1000) / 1000, alive);
  }
  return {
    answered: () => {
      hasAnswered = true;
    },
    wait,
  };
}

/** Runs turn after turn; returns when another agent takes over, or with `once`, when nothing is left to do. */
function runTurns(context: AgentContext, once: boolean, failure: AfterFailure): void {
  const { root, version, log, alive } = context;
  const settings = readSubSettings(root);
  log("info", "birther-agent started", { version, machine: settings.machineId, mdb: settings.mdb });
  // Before the system runs, nothing has mounted them yet.
  if (!isPidOne()) reportUnmounted(root, log);
  const session = openSession({ ...context, settings });
  let lastFault = "";
  for (;;) {
    try {
      const seconds = session.turn();
      failure.answered();
      lastFault = "";
      if (seconds === "replaced" || (once && seconds > 0)) return;
      waitSeconds(seconds, alive);
    } catch (error) {
      const fault = messageOf(error);
      if (fault !== lastFault) log("warn", "polling the MDB failed", { fault });
      lastFault = fault;
      if (once) throw error;
      failure.wait(error);
    }
  }
}

/** Runs until another version is to take over; PID 1 runs forever, because it must not end. */
export function runAgent(agent: AgentArguments): void {
  const context = openAgentContext(agent);
  const failure = afterFailure(context);
  for (;;) {
    try {
      runTurns(context, agent.once, failure);
      return;
    } catch (error) {
      context.log("error", "birther-agent failed", {
        reason: messageOf(error),
      });
      if (!isPidOne()) throw error;
      failure.wait(error);
    }
  }
}
