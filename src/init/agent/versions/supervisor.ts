import * as host from "host";
import * as os from "os";
import {
  beginSupervision,
  type SupervisionEvent,
  type SupervisionTurn,
  superviseAgents,
} from "../../../core/agent/supervision.ts";
import { messageOf } from "../../birth/stop.ts";
import { exitStatus, sigKill } from "../../system/run.ts";
import { serviceLog as log } from "../run-agent.ts";
import { readSignOfLife } from "../sign-of-life.ts";
import { type AgentProgram, demandWhole, programOf, removeOthers } from "./programs.ts";
import { forgetConfirmation, readConfirmedAgent, readStoredAgents, saveStoredAgents } from "./stored-agents.ts";

/** Tells an agent that a supervisor has started it. */
export const supervisedOption = "--supervised";

const tickMs = 1000;

/** The root to manage, and the agent that the birth installed: the supervisor is a process of it. */
export type SupervisorArguments = { readonly root: string; readonly installed: AgentProgram };

/**
 * Starts the machine's agent and watches it, in the event loop. core/agent/supervision.ts makes all decisions. Whatever fails here,
 * some agent keeps running: a record that cannot be saved is only logged.
 */
export function runSupervisor({ root, installed }: SupervisorArguments): void {
  const confirmed = () => attempt("read the confirmation", () => readConfirmedAgent(root));
  let process = 0;
  const stored = () => attempt("read the record of the agents", () => readStoredAgents(root));
  let { state } = executeTurn(beginSupervision(stored() ?? {}, confirmed(), host.monotonicMs()));

  function executeTurn(turn: SupervisionTurn): SupervisionTurn {
    const { action, save } = turn;
    if (save) attempt("save the record of the agents", () => saveStoredAgents(root, turn.state.stored));
    switch (action.kind) {
      case "none":
        return turn;
      case "kill":
        log("error", "an agent is killed", { reason: action.reason });
        if (process > 0) os.kill(process, sigKill);
        return turn;
      case "tidy":
        logRecord(turn);
        attempt("remove former agents", () => removeOthers(root, action.keep));
        attempt("remove the confirmation", () => forgetConfirmation(root));
        return turn;
      case "start":
        return start(turn, action.version);
    }
  }
  function start(turn: SupervisionTurn, version: string | undefined): SupervisionTurn {
    try {
      if (version !== undefined) demandWhole(root, version);
      const { native, script } = version === undefined ? installed : programOf(root, version);
      const rooted = root === "" ? [] : ["--root", root];
      process = os.exec([native, script, supervisedOption, ...rooted], { block: false });
      return turn;
    } catch (error) {
      const reason = messageOf(error);
      return executeTurn(superviseAgents(turn.state, { kind: "unusable", reason }, host.monotonicMs()));
    }
  }
  function nextEvent(): SupervisionEvent {
    const [ended, status] = process > 0 ? os.waitpid(process, os.WNOHANG) : [0, 0];
    if (ended === 0) {
      const aliveMs = attempt("read the sign of life", () => readSignOfLife(root));
      return { kind: "tick", confirmed: confirmed(), ...(aliveMs === undefined ? {} : { aliveMs }) };
    }
    process = 0;
    return { kind: "ended", status: exitStatus(status), stored: stored() ?? state.stored, confirmed: confirmed() };
  }
  function tick(): void {
    state = executeTurn(superviseAgents(state, nextEvent(), host.monotonicMs())).state;
    os.setTimeout(tick, tickMs);
  }
  tick();
}

function logRecord({ save, state: { stored } }: SupervisionTurn): void {
  if (!save) return;
  if (stored.rejected === undefined) log("info", "the new agent is confirmed", { version: stored.current });
  else log("error", "an agent is rejected, the one before it runs", { ...stored.rejected, current: stored.current });
}

/** Does what may fail without harm: the agents run all the same. */
function attempt<T>(what: string, work: () => T): T | undefined {
  try {
    return work();
  } catch (error) {
    log("warn", `supervisor: cannot ${what}`, { fault: messageOf(error) });
    return undefined;
  }
}
