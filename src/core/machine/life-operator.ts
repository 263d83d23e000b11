import { heldRefusal } from "./life-order.ts";
import {
  changed,
  conditionOf,
  type Move,
  nameOf,
  type Refuse,
  refused,
  withCondition,
  withoutConditions,
} from "./life-record.ts";
import type { Machine } from "./record.ts";

/** The next life begins: a new generation, so that no order of the old one counts any more, and an empty timeline. */
function nextLife(machine: Machine, state: "rebirth" | "clean"): Machine {
  const { phase: _phase, phaseAtMs: _at, ...kept } = machine;
  return { ...kept, state, generation: machine.generation + 1, timeline: [] };
}

/** An operator asks for a rebirth; a machine on hold is left alone. */
export const askRebirth: Move<"rebirthAsked"> = (machine) => {
  const hold = conditionOf(machine, "hold");
  return hold === undefined ? changed(nextLife(machine, "rebirth")) : refused(heldRefusal(machine, hold.reason));
};

/** An operator asks for a clean. It has no burn-in, so it may not bring a machine that failed one back to work. */
export const askClean: Move<"cleanAsked"> = (machine) => {
  const hold = conditionOf(machine, "hold");
  if (hold !== undefined) return refused(heldRefusal(machine, hold.reason));
  if (conditionOf(machine, "debug") === undefined) return changed(nextLife(machine, "clean"));
  return refused({
    kind: "wrongState",
    message: `${nameOf(machine)} failed its burn-in, and a clean would skip it`,
    next: `birther rebirth ${nameOf(machine)} tests it again`,
  });
};

/** A cell that refuses to install again what was never installed. */
export const refuseUnborn: Refuse = (machine) =>
  refused({
    kind: "wrongState",
    message: `${nameOf(machine)} is being born (state ${machine.state}); it has nothing to install again`,
    next: "reset it to begin the birth anew",
  });

/** A cell that refuses because the machine was only seen where nothing may be born. */
export const refuseOutsideNursery: Refuse = (machine) =>
  refused({
    kind: "notInNursery",
    message: `${nameOf(machine)} was only seen on ${machine.network ?? "no network"}, which is not a nursery`,
    next: "cable it to a nursery, or set nursery: true for that network in the configuration",
  });

/** A cell that refuses a word that nothing in this state can say. */
export const refuseState: Refuse = (machine, event) =>
  refused({
    kind: "wrongState",
    message: `${event.kind} makes no sense for ${nameOf(machine)} in state ${machine.state}`,
    next: "nothing: the word is late, or from an older life of the machine",
  });

export const setCondition: Move<"conditionSet"> = (machine, event, context) =>
  changed(withCondition(machine, event.condition, event.reason, context.nowMs));

export const clearCondition: Move<"conditionCleared"> = (machine, event) =>
  conditionOf(machine, event.condition) !== undefined
    ? changed(withoutConditions(machine, event.condition))
    : refused({
        kind: "wrongState",
        message: `${nameOf(machine)} has no condition ${event.condition}`,
        next: "nothing is to be done",
      });
