import type { AgentReport } from "../../agent/version.ts";
import { isWithin } from "../../clock-jump.ts";
import type { DiskKeyState } from "../../tpm/disk-key.ts";
import type { MeasuredBoot } from "../../tpm/measured-boot.ts";
import { phases } from "../phase.ts";
import type { MachineIn } from "../record.ts";
import { changed, conditionOf, type EventOf, type Transition, withoutConditions, withPhase } from "./move.ts";
import { withoutPending } from "./operator.ts";
import { lastBirthPhase } from "./phase.ts";
import { hasRebooted, withoutReboot } from "./reboot.ts";

/** Minimum interval between records of polls without new facts: thousands of agents poll every few seconds. */
const seenAgainMs = 30_000;

/** Whether the agent polls from a system on the disk; an image counts as running only there. */
export function ranFromDisk({ fromDisk, runningImage }: EventOf<"subSeen">): boolean {
  return fromDisk === true || runningImage !== undefined;
}

function isSameAgent(one: AgentReport | undefined, other: AgentReport | undefined): boolean {
  return (
    one?.version === other?.version &&
    one?.rejected?.version === other?.rejected?.version &&
    one?.rejected?.reason === other?.rejected?.reason
  );
}

function isSameMeasurement(one: MeasuredBoot | undefined, other: MeasuredBoot | undefined): boolean {
  const pcrsOf = (found: MeasuredBoot | undefined) => (found?.kind === "differs" ? found.pcrs.join() : "");
  return one?.kind === other?.kind && pcrsOf(one) === pcrsOf(other);
}

function isSameKeyState(one: DiskKeyState | undefined, other: DiskKeyState | undefined): boolean {
  const reasonOf = (state: DiskKeyState | undefined) =>
    state?.kind === "plain" ? `${state.cause ?? ""} ${state.reason}` : "";
  return one?.kind === other?.kind && reasonOf(one) === reasonOf(other);
}

/** Whether the mirrored root works without other disks than before. */
function hasOtherMirror({ mirror }: MachineIn<"healthy">, event: Pick<EventOf<"subSeen">, "mirror">): boolean {
  return event.mirror !== undefined && mirror?.missing.join() !== event.mirror.missing.join();
}

/** Whether the machine restarted for its new image without a PXE request: its firmware tries the disk before the network. */
function hasBootedSilently({ phase, phaseAtMs, pxe }: MachineIn<"healthy">): boolean {
  return phase === "rebooting" && phaseAtMs !== undefined && pxe.lastRequestAtMs < phaseAtMs;
}

/** The agent of a healthy machine polls. The machine is `up` if it runs the required image; its birth session then ends. */
export const noteSub: Transition<"subSeen", "healthy"> = (machine, event, context) => {
  // With updates disabled, the machine is up with any image.
  const left = machine.disableUpdates === true && event.runningImage !== undefined;
  const same = event.runningImage !== undefined && event.runningImage === machine.requiredImage;
  const up = left || (event.upToDate ?? same);
  const fromDisk = ranFromDisk(event);
  const wasSilent = conditionOf(machine, "failing")?.untilPoll === true;
  const cameBack = machine.phase !== undefined && phases.indexOf(machine.phase) <= lastBirthPhase;
  const hasNewFacts =
    machine.runningImage !== event.runningImage ||
    machine.order !== undefined ||
    machine.unheardBoots !== undefined ||
    machine.recovery !== undefined ||
    machine.repair?.trial !== undefined ||
    !isSameAgent(machine.agent, event.agent) ||
    !isSameMeasurement(machine.measuredBoot, event.measuredBoot) ||
    (event.diskKey !== undefined && !isSameKeyState(machine.diskKey, event.diskKey)) ||
    hasOtherMirror(machine, event) ||
    wasSilent ||
    hasRebooted(machine, event) ||
    cameBack ||
    (machine.ownSystem === undefined && fromDisk) ||
    (event.trusts !== undefined && event.trusts !== machine.trusts) ||
    (up && (machine.phase !== "up" || conditionOf(machine, "conflict") !== undefined));
  if (!hasNewFacts && isWithin(seenAgainMs, machine.lastSeenAtMs, context.nowMs)) return changed(machine);
  const {
    order: _ended,
    runningImage: _before,
    unheardBoots: _heard,
    recovery: _recovered,
    agent: _former,
    measuredBoot: _measured,
    awaitsFirstImage,
    ...kept
  } = withoutPending(hasRebooted(machine, event) ? withoutReboot(machine) : machine);
  const noted: MachineIn<"healthy"> = {
    ...kept,
    lastSeenAtMs: context.nowMs,
    // From the first poll of a system on the disk, no packet leads to anything but that disk.
    ...(awaitsFirstImage === undefined || fromDisk ? {} : { awaitsFirstImage }),
    ...(fromDisk ? { ownSystem: true } : {}),
    ...(fromDisk && up && hasBootedSilently(machine) ? { didNotAskAtMs: context.nowMs } : {}),
    ...(event.runningImage === undefined ? {} : { runningImage: event.runningImage }),
    ...(event.trusts === undefined ? {} : { trusts: event.trusts }),
    ...(event.agent === undefined ? {} : { agent: event.agent }),
    ...(event.measuredBoot === undefined ? {} : { measuredBoot: event.measuredBoot }),
    // The first poll of a start does not say it: a machine that is lost before its second one still has a sealed key.
    ...(event.diskKey === undefined ? {} : { diskKey: event.diskKey }),
    ...(event.mirror !== undefined && hasOtherMirror(machine, event)
      ? { mirror: { ...event.mirror, sinceMs: context.nowMs } }
      : {}),
  };
  const heard = wasSilent ? withoutConditions(noted, "failing") : noted;
  // The report of the hand-over was lost, or the PXE request came from elsewhere.
  const seen = cameBack ? withPhase(heard, { phase: "handedOver" }, context.nowMs) : heard;
  // The agent polls from its permanent address: no other host uses that address any more.
  return changed(up ? withoutConditions(withPhase(seen, { phase: "up" }, context.nowMs), "failing", "conflict") : seen);
};
