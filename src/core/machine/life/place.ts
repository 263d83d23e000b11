import type { Placement } from "../../site/placement.ts";
import type { Decision, Refusal } from "../event.ts";
import { sharedParts } from "../evidence.ts";
import type { Machine, MachineId, SwitchPort } from "../record.ts";
import { type Context, conditionOf, nameOf, refused, withCondition } from "./move.ts";
import { mergeAnnouncement } from "./takeover.ts";

/** Name, address and switch port that a machine claims. */
export type SlotClaim = { readonly hostname: string; readonly address: string; readonly placement: Placement };

/** What becomes of a claim: the machine with what was announced for that place, or the refusal with the conflict on the newcomer. */
export type SlotClaimOutcome =
  | { readonly kind: "claimed"; readonly successor: Machine; readonly absorbed: readonly MachineId[] }
  | { readonly kind: "refused"; readonly decision: Decision };

/**
 * Whether a machine may have a place: nobody else holds its name or address, and it is the place that the machine has, or is
 * announced for. The holder always stays as it is; the newcomer gets a conflict that names both.
 */
export function claimSlot(machine: Machine, claim: SlotClaim, context: Context): SlotClaimOutcome {
  const awaited = context.announcedAt(claim.placement);
  const takesOver = awaited !== undefined && awaited.id !== machine.id && awaited.macs.length === 0;
  const refusal =
    whyElsewhere(machine, claim) ??
    (awaited === undefined || takesOver ? undefined : whyAwaited(machine, claim, awaited)) ??
    whyTaken(machine, claim, context, takesOver ? awaited.id : machine.id);
  if (refusal !== undefined) {
    const reason = `${refusal.message}: ${refusal.next}`;
    const inConflict = withCondition(machine, { kind: "conflict", reason }, context.nowMs);
    return { kind: "refused", decision: refused(refusal, inConflict) };
  }
  if (!takesOver) return { kind: "claimed", successor: machine, absorbed: [] };
  const successor = mergeAnnouncement(machine, awaited);
  const hold = conditionOf(successor, "hold");
  if (hold === undefined) return { kind: "claimed", successor, absorbed: [awaited.id] };
  const held = { kind: "held", message: `the place of ${nameOf(awaited)} is on hold: ${hold.reason}` } as const;
  return { kind: "refused", decision: refused({ ...held, next: `birther release ${nameOf(awaited)}` }) };
}

/** A machine that has a name keeps it and its place, and one that is announced must come where it is awaited. */
function whyElsewhere(machine: Machine, { hostname, address, placement }: SlotClaim): Refusal | undefined {
  const { announced, permanentAddress, placement: before } = machine;
  const here = `${placement.switchName} ${placement.port}, the place of ${hostname}`;
  if (announced?.hostname !== undefined && announced.hostname !== hostname)
    return {
      kind: "otherPlace",
      message: `${machine.id} is announced as ${announced.hostname}, but hangs at ${here}`,
      next: `cable it to the place of ${announced.hostname}, or change the announcement: birther set ${nameOf(machine)}`,
    };
  if (announced?.place !== undefined && !isAt(announced.place, placement))
    return {
      kind: "otherPlace",
      message: `${machine.id} is announced for ${announced.place.switchName} ${announced.place.port}, but hangs at ${here}`,
      next: `cable it as announced, or give the announcement up: birther retire ${nameOf(machine)}`,
    };
  if (permanentAddress === undefined || before === undefined || machine.mayMove === true) return undefined;
  if (isAt(before, placement) || (hostname === machine.hostname && address === permanentAddress)) return undefined;
  return {
    kind: "otherPlace",
    message: `${nameOf(machine)} (${machine.id}) was installed at ${before.switchName} ${before.port} and hangs at ${here}, now`,
    next: `put it back; or let it become ${hostname}: birther rebirth ${nameOf(machine)} --moved`,
  };
}

function isAt(switchPort: SwitchPort, other: SwitchPort): boolean {
  return switchPort.switchName === other.switchName && switchPort.port === other.port;
}

function whyAwaited(machine: Machine, { placement }: SlotClaim, awaited: Machine): Refusal | undefined {
  if (awaited.id === machine.id) return undefined;
  return {
    kind: "nameTaken",
    message: `${machine.id} came to ${placement.switchName} ${placement.port}, where ${nameOf(awaited)} (${awaited.macs.join(" ")}) is awaited`,
    next: `check the cabling of both, or give the announcement up: birther retire ${nameOf(awaited)}`,
  };
}

/** `mine` is the record whose name and address the machine may take: its own, or that which it takes over. */
function whyTaken(machine: Machine, claim: SlotClaim, context: Context, mine: MachineId): Refusal | undefined {
  const claims = [
    { kind: "nameTaken", thing: `name ${claim.hostname}`, holder: context.nameHolder(claim.hostname) },
    { kind: "addressTaken", thing: `address ${claim.address}`, holder: context.addressHolder(claim.address) },
  ] as const;
  for (const { kind, thing, holder } of claims) {
    if (holder === undefined || holder.id === machine.id || holder.id === mine) continue;
    const message = `${machine.id}${whereOf(claim.placement)} claims the ${thing}, which ${holder.id}${whereOf(holder.placement)} holds`;
    return { kind, message, next: whatToDo(machine, holder) };
  }
  return undefined;
}

/** Parts that both have in common are the mark of a swapped board, or of a case that stands in the other's place. */
function whatToDo(machine: Machine, holder: Machine): string {
  const check =
    "check the cabling of both and the placement rules; the holder stays as it is, the newcomer tries again";
  const shared = sharedParts(machine, holder);
  const succeed = `birther takeover ${machine.id} ${nameOf(holder)}`;
  if (shared.length > 0)
    return `both have ${shared.join(", ")}: if the board of ${nameOf(holder)} was swapped, ${succeed}; else ${check}`;
  return `${check}; if it replaces ${nameOf(holder)}: ${succeed}`;
}

function whereOf(switchPort: SwitchPort | undefined): string {
  return switchPort === undefined ? "" : ` (at ${switchPort.switchName} ${switchPort.port})`;
}
