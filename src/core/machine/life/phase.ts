import type { MachineEvent } from "../event.ts";
import { mayRecover, mayResume } from "../next-boot.ts";
import { phases } from "../phase.ts";
import type { Machine } from "../record.ts";
import { changed, conditionOf, nameOf, refused, type Transition, withoutConditions, withPhase } from "./move.ts";

/** The last phase that the Bootstrap Image reports before the machine is healthy, as its place among all phases. */
export const lastBirthPhase = phases.indexOf("populated");
const lastBootPhase = phases.indexOf("initUp");

/** Accepts phases of the installation; later phases cannot happen yet. */
export const seeBirthPhase: Transition<"phaseSeen"> = (machine, event, context) =>
  phases.indexOf(event.phase) <= lastBirthPhase
    ? changed(pastFailure(withPhase(machine, event, context.nowMs), phases.indexOf(event.phase)))
    : wrongPhase(machine, event);

/**
 * Accepts phases after the installation, and those of the Bootstrap Image's start for a machine that is to resume or recover; a late
 * report of another phase is refused. A phase of the agent that ended (`durationMs`) is past a failure in it.
 */
export const seeHealthyPhase: Transition<"phaseSeen", "healthy"> = (machine, event, context) => {
  const reached = phases.indexOf(event.phase);
  if (reached <= lastBirthPhase && !(reached <= lastBootPhase && startsImage(machine)))
    return wrongPhase(machine, event);
  const ended = reached > lastBirthPhase && event.durationMs !== undefined;
  const goesOn = reached > lastBirthPhase ? withoutStop(machine) : machine;
  return changed(pastFailure(withPhase(goesOn, event, context.nowMs), ended ? reached + 1 : reached));
};

/** Whether the Bootstrap Image starts on a healthy machine: to resume its agent, or to recover its disk key. */
function startsImage(machine: Machine & { readonly state: "healthy" }): boolean {
  return mayResume(machine) || mayRecover(machine) || machine.order?.action === "recover";
}

/** Without *failing* because an update was stopped: the agent continues with it after all. */
function withoutStop<M extends Machine>(machine: M): M {
  return conditionOf(machine, "failing")?.image === undefined ? machine : withoutConditions(machine, "failing");
}

/** Without *failing*, if that was a failure in a phase before the one now reached. */
function pastFailure<M extends Machine>(machine: M, reached: number): M {
  const failedIn = conditionOf(machine, "failing")?.failedIn;
  return failedIn !== undefined && reached > phases.indexOf(failedIn) ? withoutConditions(machine, "failing") : machine;
}

function wrongPhase(machine: Machine, event: Extract<MachineEvent, { kind: "phaseSeen" }>) {
  return refused({
    kind: "wrongState",
    message: `${nameOf(machine)} is in state ${machine.state} and cannot be in phase ${event.phase}`,
    next: "no action is needed: the report is late, or from an earlier generation of the machine",
  });
}
