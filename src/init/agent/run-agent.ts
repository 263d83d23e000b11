import * as host from "host";
import * as std from "std";
import { decideLoneSub } from "../../core/birth/unreachable-mdb.ts";
import type { Log } from "../../core/ports.ts";
import { openConsole } from "../device/console.ts";
import { sleepMs } from "../system/clock.ts";
import { isPidOne, noDuties, pidOneDuties } from "./pid-one.ts";
import { restart } from "./restart.ts";
import { openSession, readSubSettings } from "./session.ts";
import type { SubContext } from "./sub-context.ts";

const retrySeconds = 5;
/** A console that nobody scrolls still shows what is the matter. */
const remindMs = 60_000;

/** What the command line says: whose tree to look after, and whether to end when there is nothing to do. */
export type AgentArguments = { readonly root: string; readonly once: boolean };

/** All but the settings, which are read again after each failure to read them. */
type Ground = Omit<SubContext, "settings">;

/** A service's lines go to the journal, which knows the time. */
const serviceLog: Log = (level, message, facts = {}) => {
  if (level === "debug") return;
  print(`${level}: ${message} ${JSON.stringify(facts)}`);
  std.out.flush();
};

function openGround(root: string): Ground {
  if (!isPidOne()) return { root, log: serviceLog, takeLines: () => [], ...noDuties };
  const { log, takeLines } = openConsole();
  return { root, log, takeLines, ...pidOneDuties() };
}

function waitSeconds(seconds: number, alive: () => void): void {
  const endMs = host.monotonicMs() + seconds * 1000;
  for (let leftMs = seconds * 1000; leftMs > 0; leftMs = endMs - host.monotonicMs()) {
    alive();
    sleepMs(Math.min(leftMs, 1000));
  }
}

/** What happens after a failure: a pause, or a restart where nobody would ever hear of this machine. */
type AfterFailure = { readonly heard: () => void; readonly wait: () => void };

function afterFailure(ground: Ground): AfterFailure {
  const startedMs = host.monotonicMs();
  let answered = false;
  let remindedMs = Number.NEGATIVE_INFINITY;
  const { log, alive } = ground;

  function wait(): void {
    const nowMs = host.monotonicMs();
    const next = decideLoneSub({ pidOne: isPidOne(), answered, elapsedMs: nowMs - startedMs });
    if (next.kind === "restart") {
      log(
        "error",
        "the MDB was never reached at the permanent address: check cabling, gateway and networks[].permanent",
      );
      restart(ground);
    }
    if (next.kind === "restartLater" && nowMs - remindedMs >= remindMs) {
      log("warn", "the MDB was not reached yet; without it this machine restarts", { inSeconds: next.inSeconds });
      remindedMs = nowMs;
    }
    waitSeconds(retrySeconds, alive);
  }
  return {
    heard: () => {
      answered = true;
    },
    wait,
  };
}

/** Turn after turn; returns only when told to do so once and there is nothing left to do. */
function live(ground: Ground, once: boolean, failure: AfterFailure): void {
  const { root, log, alive } = ground;
  const settings = readSubSettings(root);
  log("info", "birther-agent starts", { machine: settings.machineId, mdb: settings.mdb });
  const session = openSession({ ...ground, settings });
  let lastFault = "";
  for (;;) {
    try {
      const seconds = session.turn();
      failure.heard();
      lastFault = "";
      if (once && seconds > 0) return;
      waitSeconds(seconds, alive);
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      if (fault !== lastFault) log("warn", "the MDB cannot be asked", { fault });
      lastFault = fault;
      if (once) throw error;
      failure.wait();
    }
  }
}

/** Runs for ever: PID 1 must not end, and a service would only be started again. */
export function runAgent({ root, once }: AgentArguments): void {
  const ground = openGround(root);
  const failure = afterFailure(ground);
  for (;;) {
    try {
      live(ground, once, failure);
      return;
    } catch (error) {
      ground.log("error", "birther-agent cannot work", {
        reason: error instanceof Error ? error.message : String(error),
      });
      if (!isPidOne()) throw error;
      failure.wait();
    }
  }
}
