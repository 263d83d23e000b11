/**
 * subd: brings this machine to its required image and keeps it there. Straight after a birth it is PID 1 and the only process;
 * in the booted image it is a service. `--root DIRECTORY` looks after another tree, `--once` ends when there is nothing to do (tests).
 */
import * as host from "host";
import * as std from "std";
import type { Log } from "../../core/ports.ts";
import { openConsole } from "../console.ts";
import { sleepMs } from "../system/clock.ts";
import { isPidOne, pidOneDuties } from "./pid-one.ts";
import { openSession, readSubSettings } from "./session.ts";

const retrySeconds = 5;

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

/** Runs for ever: PID 1 must not end, and a service would only be started again. */
function live(): void {
  const settings = readSubSettings(root);
  log("info", "subd", { machine: settings.machineId, mdb: settings.mdb });
  const session = openSession({ root, settings, log, takeLines, alive });
  let lastFault = "";
  for (;;) {
    try {
      const seconds = session.turn();
      lastFault = "";
      if (once && seconds > 0) return;
      waitSeconds(seconds);
    } catch (error) {
      const fault = error instanceof Error ? error.message : String(error);
      if (fault !== lastFault) log("warn", "the MDB cannot be asked", { fault });
      lastFault = fault;
      if (once) throw error;
      waitSeconds(retrySeconds);
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
    waitSeconds(retrySeconds);
  }
}
