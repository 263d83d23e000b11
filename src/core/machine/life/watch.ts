import type { Condition } from "../record.ts";
import { changed, conditionOf, nameOf, refused, type Transition, withCondition, withoutConditions } from "./move.ts";
import { cancelRebirth, nextLife } from "./operator.ts";
import { heldRefusal } from "./order.ts";

/** Rebirths by the policy that a record remembers; a budget is never larger. */
export const repairLimit = 16;

/** The watch finds that a machine does not get on. What is failing for a reason of its own keeps that. */
export const noteStall: Transition<"stalled"> = (machine, { reason }, context) => {
  if (conditionOf(machine, "failing") !== undefined) return changed(machine);
  const failing: Condition = { kind: "failing", reason, sinceMs: context.nowMs, watched: true };
  return changed({ ...machine, conditions: [...machine.conditions, failing] });
};

/** It gets on again: what the watch set is taken away, and nothing else. */
export const noteProgress: Transition<"resumed"> = (machine) =>
  changed(conditionOf(machine, "failing")?.watched === true ? withoutConditions(machine, "failing") : machine);

/**
 * The configured policy repairs a machine: rebirth of one that is healthy, fails and is silent since `silentSinceMs` at the
 * latest, at its next boot; `debug` and `hold` leave it to a person. Whether it is time for a step is for core/machine/repair.ts.
 */
export const repair: Transition<"repairStepped"> = (machine, event, context) => {
  const { step, reason, silentSinceMs } = event;
  const hold = conditionOf(machine, "hold");
  if (hold !== undefined) return refused(heldRefusal(machine, hold.reason));
  const { rebirthsAtMs = [] } = machine.repair ?? {};
  const notified = `by policy: ${reason}`;
  if (step !== "rebirth") {
    const debugAtMs = step === "debug" ? context.nowMs : machine.repair?.debugAtMs;
    const debugged = debugAtMs === undefined ? {} : { debugAtMs };
    const noted = { ...machine, repair: { rebirthsAtMs, atMs: context.nowMs, ...debugged } };
    return changed(withCondition(noted, { kind: step, reason: notified }, context.nowMs));
  }
  if (machine.state !== "healthy" || machine.lastSeenAtMs > silentSinceMs)
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} is ${machine.state} and was heard: it is not repaired by itself`,
      next: "nothing is to be done",
    });
  const begun = [...rebirthsAtMs, context.nowMs].slice(-repairLimit);
  // What fails from now on is the new life's.
  const next = withoutConditions(nextLife(machine, { state: "rebirth", by: "policy" }, context.nowMs), "failing");
  return changed({ ...next, repair: { rebirthsAtMs: begun, atMs: context.nowMs, pending: true } });
};

/** The sub of a machine that the policy gave up is heard after all, before anything was begun: all is as it was. */
export const hearOldSub: Transition<"subSeen"> = (machine, event, context) => {
  if (machine.repair?.pending === true && machine.wayBack !== undefined) {
    const { pending: _taken, ...repair } = machine.repair;
    const heard = { ...machine, repair, lastSeenAtMs: context.nowMs };
    return cancelRebirth(heard, { kind: "rebirthCancelled", id: event.id, by: "policy" }, context);
  }
  return changed(
    context.nowMs - machine.lastSeenAtMs < seenAgainMs ? machine : { ...machine, lastSeenAtMs: context.nowMs },
  );
};

/** A poll that tells nothing new is written down this often only: thousands of subs poll every few seconds. */
const seenAgainMs = 30_000;
