import type { Decision, MachineEvent } from "../event.ts";
import type { Machine } from "../record.ts";
import type { MachineState } from "../state.ts";
import { noteDecline, returnAddress } from "./address.ts";
import { noteBurnIn, noteFailure, noteNeighbours, recordPlace, scanHardware } from "./birth.ts";
import { askForBirth, askHealthy, askUnknown, countRequests, firstSeen, noteAddress } from "./boot.ts";
import { announce, notYetAnnounced, refuseKnown, setDetails } from "./details.ts";
import { type Context, type EventKind, refused, type Transition } from "./move.ts";
import {
  askClean,
  askRebirth,
  cancelRebirth,
  cancelReboot,
  clearCondition,
  refuseNoAgent,
  refuseNothingPending,
  refuseOutsideNursery,
  refuseState,
  refuseUnborn,
  setCondition,
} from "./operator.ts";
import {
  becomeHealthy,
  confirmHealthy,
  issueOrder,
  refuseStale,
  resumeAgent,
  takeOrder,
  whyNotOfOrder,
} from "./order.ts";
import { seeBirthPhase, seeHealthyPhase } from "./phase.ts";
import { noteSub } from "./poll.ts";
import { askReboot, sendReboot } from "./reboot.ts";
import { allowRecovery, signRecovery } from "./recovery.ts";
import { requireImage } from "./required-image.ts";
import { retire } from "./retire.ts";
import { refuseSuccessor, takeOver } from "./takeover.ts";
import { noteOldSub, noteProgress, noteStall, repair } from "./watch.ts";

/**
 * The life of a machine: every state × every event. A cell names the function that decides.
 * Only these cells change the state: askUnknown (unknown → birth), becomeHealthy (birth, rebirth, clean → healthy),
 * askRebirth and askClean (→ rebirth, clean), cancelRebirth (rebirth, clean → healthy), announce and takeOver (unknown → birth,
 * if an operator requests it), retire (→ unknown), repair (healthy → rebirth, if a policy is configured; noteOldSub cancels that).
 * No event from the network leaves `healthy`.
 */
// biome-ignore format: it is a table
export const life: { readonly [K in EventKind]: { readonly [S in MachineState]: Transition<K, S> } } = {
  //                  unknown                         birth                         healthy                         rebirth                       clean
  pxeAsked:         { unknown: askUnknown,            birth: askForBirth,           healthy: askHealthy,            rebirth: askForBirth,         clean: askForBirth },
  pxeAskedAgain:    { unknown: countRequests,         birth: countRequests,         healthy: countRequests,         rebirth: countRequests,       clean: countRequests },
  addressDeclined:  { unknown: noteDecline,           birth: noteDecline,           healthy: noteDecline,           rebirth: noteDecline,         clean: noteDecline },
  addressReturned:  { unknown: returnAddress,         birth: returnAddress,         healthy: returnAddress,         rebirth: returnAddress,       clean: returnAddress },
  addressSeen:      { unknown: noteAddress,           birth: noteAddress,           healthy: noteAddress,           rebirth: noteAddress,         clean: noteAddress },
  phaseSeen:        { unknown: refuseState,           birth: seeBirthPhase,         healthy: seeHealthyPhase,       rebirth: seeBirthPhase,       clean: seeBirthPhase },
  orderIssued:      { unknown: refuseOutsideNursery,  birth: issueOrder,            healthy: issueOrder,            rebirth: issueOrder,          clean: issueOrder },
  orderTaken:       { unknown: refuseOutsideNursery,  birth: takeOrder,             healthy: takeOrder,             rebirth: takeOrder,           clean: takeOrder },
  neighboursSeen:   { unknown: refuseState,           birth: noteNeighbours,        healthy: refuseState,           rebirth: noteNeighbours,      clean: noteNeighbours },
  hardwareScanned:  { unknown: refuseState,           birth: scanHardware,          healthy: refuseState,           rebirth: scanHardware,        clean: scanHardware },
  burnInDone:       { unknown: refuseState,           birth: noteBurnIn,            healthy: refuseState,           rebirth: noteBurnIn,          clean: noteBurnIn },
  placed:           { unknown: refuseState,           birth: recordPlace,             healthy: refuseState,           rebirth: recordPlace,           clean: recordPlace },
  failed:           { unknown: refuseState,           birth: noteFailure,           healthy: noteFailure,           rebirth: noteFailure,         clean: noteFailure },
  becameHealthy:    { unknown: refuseStale,           birth: becomeHealthy,         healthy: confirmHealthy,        rebirth: becomeHealthy,       clean: becomeHealthy },
  agentResumed:     { unknown: refuseStale,           birth: refuseStale,           healthy: resumeAgent,           rebirth: refuseStale,         clean: refuseStale },
  subSeen:          { unknown: refuseState,           birth: refuseState,           healthy: noteSub,               rebirth: noteOldSub,          clean: noteOldSub },
  rebirthAsked:     { unknown: refuseOutsideNursery,  birth: refuseUnborn,          healthy: askRebirth,            rebirth: askRebirth,          clean: askRebirth },
  cleanAsked:       { unknown: refuseOutsideNursery,  birth: refuseUnborn,          healthy: askClean,              rebirth: askClean,            clean: askClean },
  rebootAsked:      { unknown: refuseNoAgent,         birth: refuseNoAgent,         healthy: askReboot,             rebirth: askReboot,           clean: askReboot },
  rebootSent:       { unknown: refuseState,           birth: refuseState,           healthy: sendReboot,            rebirth: sendReboot,          clean: sendReboot },
  rebirthCancelled: { unknown: refuseNothingPending,    birth: refuseNothingPending,    healthy: cancelReboot,    rebirth: cancelRebirth,       clean: cancelRebirth },
  machineCreated:   { unknown: announce,              birth: refuseKnown,           healthy: refuseKnown,           rebirth: refuseKnown,         clean: refuseKnown },
  detailsSet:       { unknown: setDetails,            birth: setDetails,            healthy: setDetails,            rebirth: setDetails,          clean: setDetails },
  retired:          { unknown: retire,                birth: retire,                healthy: retire,                rebirth: retire,              clean: retire },
  takeoverAuthorised: { unknown: takeOver,            birth: takeOver,              healthy: refuseSuccessor,            rebirth: refuseSuccessor,          clean: refuseSuccessor },
  imageRequired:    { unknown: refuseState,           birth: refuseState,           healthy: requireImage,          rebirth: requireImage,        clean: requireImage },
  stalled:          { unknown: refuseState,           birth: noteStall,             healthy: noteStall,             rebirth: noteStall,           clean: noteStall },
  resumed:          { unknown: refuseState,           birth: noteProgress,          healthy: noteProgress,          rebirth: noteProgress,        clean: noteProgress },
  repairStepped:    { unknown: refuseState,           birth: repair,                healthy: repair,                rebirth: repair,              clean: repair },
  recoveryAllowed:  { unknown: refuseState,           birth: refuseState,           healthy: allowRecovery,         rebirth: refuseState,         clean: refuseState },
  recoverySigned:   { unknown: refuseStale,           birth: refuseStale,           healthy: signRecovery,          rebirth: refuseStale,         clean: refuseStale },
  conditionSet:     { unknown: setCondition,          birth: setCondition,          healthy: setCondition,          rebirth: setCondition,        clean: setCondition },
  conditionCleared: { unknown: clearCondition,        birth: clearCondition,        healthy: clearCondition,        rebirth: clearCondition,      clean: clearCondition },
};

/**
 * Applies an event to a machine: a new record, or a refusal. Pure: `context` supplies the time and the holders of names,
 * addresses and NICs. If the decision contains the identical record, nothing needs to be written.
 */
export function decide(machine: Machine | undefined, event: MachineEvent, context: Context): Decision {
  const subject = machine ?? firstRecord(event, context.nowMs);
  if (subject === undefined) return refused(noSuchMachine(event));
  const superseded = "order" in event ? whyNotOfOrder(subject, event) : undefined;
  if (superseded !== undefined) return refused(superseded);
  const transition = life[event.kind][subject.state] as Transition<EventKind>;
  const decision = transition(subject, event, context);
  if (decision.machine === undefined || decision.machine === machine) return decision;
  const counted = { ...decision, machine: { ...decision.machine, revision: subject.revision + 1 } };
  if (counted.kind === "refused" || counted.others === undefined) return counted;
  return { ...counted, others: counted.others.map((other) => ({ ...other, revision: other.revision + 1 })) };
}

/** The initial record of an unknown machine, if the event may create one. */
function firstRecord(event: MachineEvent, nowMs: number): Machine | undefined {
  switch (event.kind) {
    case "pxeAsked":
      return firstSeen(event, nowMs);
    case "machineCreated":
      return notYetAnnounced(event, nowMs);
    default:
      return undefined;
  }
}

function noSuchMachine(event: MachineEvent) {
  const subject = "id" in event ? event.id : event.mac;
  return {
    kind: "noSuchMachine",
    message: `unknown machine ${subject}`,
    next: "list the machines with birther machines; a machine becomes known by its first PXE request",
  } as const;
}
