import { isWithin } from "../../clock-jump.ts";
import type { Condition } from "../condition.ts";
import type { Decision } from "../event.ts";
import type { Machine } from "../record.ts";
import { changed, conditionOf, nameOf, refused, type Transition, withCondition, withoutConditions } from "./move.ts";
import { cancelRebirth, nextLife } from "./operator.ts";
import { heldRefusal } from "./order.ts";
import { ranFromDisk } from "./poll.ts";
import { hasRebooted, withoutReboot } from "./reboot.ts";

/** Number of rebirths by policy that a record remembers; no budget is larger. */
export const repairLimit = 16;

/** Stall detection marks a machine as *failing*, unless it is already *failing* for another reason. */
export const noteStall: Transition<"stalled"> = (machine, { reason }, context) => {
  if (conditionOf(machine, "failing") !== undefined) return changed(machine);
  const failing: Condition = { kind: "failing", reason, sinceMs: context.nowMs, watched: true };
  return changed({ ...machine, conditions: [...machine.conditions, failing] });
};

/** The machine makes progress again: clears *failing* if stall detection set it. */
export const noteProgress: Transition<"resumed"> = (machine) =>
  changed(conditionOf(machine, "failing")?.watched === true ? withoutConditions(machine, "failing") : machine);

/**
 * The configured policy repairs a machine. `prove` asks a silent healthy machine to prove its next network boot. `rebirth` applies to a healthy machine that is failing and has been silent since
 * `silentSinceMs` or longer, and takes effect at its next boot; `debug` and `hold` leave the machine to an operator.
 * `../health/repair.ts` decides when a step is due.
 */
export const repair: Transition<"repairStepped"> = (machine, event, context) => {
  const { step, reason, silentSinceMs } = event;
  const hold = conditionOf(machine, "hold");
  if (hold !== undefined) return refused(heldRefusal(machine, hold.reason));
  const { rebirthsAtMs = [] } = machine.repair ?? {};
  const given = `by policy: ${reason}`;
  if (step === "prove") return askForProof(machine, silentSinceMs, context.nowMs);
  if (step !== "rebirth") {
    const debugAtMs = step === "debug" ? context.nowMs : machine.repair?.debugAtMs;
    const debugged = debugAtMs === undefined ? {} : { debugAtMs };
    const noted = { ...machine, repair: { rebirthsAtMs, atMs: context.nowMs, ...debugged } };
    return changed(withCondition(noted, { kind: step, reason: given }, context.nowMs));
  }
  if (machine.state !== "healthy" || machine.lastSeenAtMs > silentSinceMs) return heardRecently(machine);
  const begun = [...rebirthsAtMs, context.nowMs].slice(-repairLimit);
  const next: Machine = {
    ...nextLife(machine, { by: "policy" }, context.nowMs),
    ...{ state: "rebirth", repair: { rebirthsAtMs: begun, atMs: context.nowMs, pending: true } },
  };
  return changed(next);
};

function heardRecently(machine: Machine): Decision {
  return refused({
    kind: "wrongState",
    message: `${nameOf(machine)} (${machine.state}) has polled recently, so the policy does not repair it`,
    next: "no action is needed",
  });
}

/** The next network boot of a silent healthy machine gets the Bootstrap Image once, only to present a token. */
function askForProof(machine: Machine, silentSinceMs: number, nowMs: number): Decision {
  if (machine.state !== "healthy" || machine.lastSeenAtMs > silentSinceMs) return heardRecently(machine);
  const { repair = { rebirthsAtMs: [], atMs: nowMs } } = machine;
  const trial = { boots: repair.trial?.boots ?? 0, atMs: nowMs, asked: true } as const;
  return changed({ ...machine, repair: { ...repair, trial } });
}

/** The agent of a machine polls after the policy chose a rebirth but before it began: the rebirth is cancelled. */
export const noteOldSub: Transition<"subSeen", "rebirth" | "clean"> = (machine, event, context) => {
  const { awaitsFirstImage, ...ran } = machine;
  const ranHere = awaitsFirstImage !== undefined && ranFromDisk(event) ? ran : machine;
  const heard = hasRebooted(ranHere, event) ? withoutReboot(ranHere) : ranHere;
  if (heard.repair?.pending === true && heard.wayBack !== undefined) {
    const { pending: _taken, ...repair } = heard.repair;
    const seen = { ...heard, repair, lastSeenAtMs: context.nowMs };
    return cancelRebirth(seen, { kind: "rebirthCancelled", id: event.id, by: "policy" }, context);
  }
  const isSoon = isWithin(seenAgainMs, machine.lastSeenAtMs, context.nowMs);
  return changed(isSoon && heard === machine ? machine : { ...heard, lastSeenAtMs: context.nowMs });
};

/** Minimum interval between records of polls without new facts: thousands of agents poll every few seconds. */
const seenAgainMs = 30_000;
