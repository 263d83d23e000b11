/**
 * subd: brings this machine to its required image and keeps it there. Straight after a birth it is PID 1 and the only process;
 * in the booted image it is a service. `--root DIRECTORY` looks after another tree, `--once` ends when there is nothing to do (tests).
 */
import * as host from "host";
import * as std from "std";
import { decideLoneSub } from "../../core/birth/unreachable-mdb.ts";
import type { Log } from "../../core/ports.ts";
import { openConsole } from "../device/console.ts";
import { sleepMs } from "../system/clock.ts";
import { isPidOne, pidOneDuties } from "./pid-one.ts";
import { restart } from "./restart.ts";
import { openSession, readSubSettings } from "./session.ts";

const retrySeconds = 5;
/** A console that nobody scrolls still shows what is the matter. */
const remindMs = 60_000;
const startedMs = host.monotonicMs();
let answered = false;
let remindedMs = Number.NEGATIVE_INFINITY;

const once = scriptArgs.includes("--once");
const root = scriptArgs.includes("--root") ? (scriptArgs[scriptArgs.indexOf("--root") + 1] ?? "") : "";

/** A service's lines go to the journal, which knows the time. */
const serviceLog: Log = (level, message, facts = {}) => {
  if (level === "debug") return;
  print(`${level}: ${message} ${JSON.stringify(facts)}`);
  std.out.flush();
};
const console = isPidOne() ? openConsole() : undefined;
const log: Log = console?.log ?? serviceLog;
const takeLines = console?.takeLines ?? (() => []);
const alive = isPidOne() ? pidOneDuties() : () => undefined;

function waitSeconds(seconds: number): void {
  const endMs = host.monotonicMs() + seconds * 1000;
  for (let leftMs = seconds * 1000; leftMs > 0; leftMs = endMs - host.monotonicMs()) {
    alive();
    sleepMs(Math.min(leftMs, 1000));
  }
}

/** The pause after a failure; ends in a restart where nobody would ever hear of this machine. */
function waitAfterFailure(): void {
  const nowMs = host.monotonicMs();
  const next = decideLoneSub({ pidOne: isPidOne(), answered, elapsedMs: nowMs - startedMs });
  if (next.kind === "restart") {
    log("error", "the MDB was never reached at the permanent address: check cabling, gateway and networks[].permanent");
    restart({ root, log, alive });
  }
  if (next.kind === "restartLater" && nowMs - remindedMs >= remindMs) {
    log("warn", "the MDB was not reached yet; without it this machine restarts", { inSeconds: next.inSeconds });
    remindedMs = nowMs;
  }
  waitSeconds(retrySeconds);
}

/** Runs for ever: PID 1 must not end, and a service would only be started again. */
function live(): void {
  const settings = readSubSettings(root);
  log("info", "subd", { machine: settings.machineId, mdb: settings.mdb });
  const session = openSession({ root, settings, log, takeLines, alive });
  let lastFault = "";
  for (;;) {
    try {
      const seconds = session.turn();
      answered = true;
      lastFault = "";
      if (once && seconds > 0) return;
      waitSeconds(seconds);
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      if (fault !== lastFault) log("warn", "the MDB cannot be asked", { fault });
      lastFault = fault;
      if (once) throw error;
      waitAfterFailure();
    }
  }
}

for (;;) {
  try {
    live();
    break;
  } catch (error) {
    log("error", "subd cannot work", { reason: error instanceof Error ? error.message : String(error) });
    if (!isPidOne()) throw error;
    waitAfterFailure();
  }
}
