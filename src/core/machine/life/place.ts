import { formatIpv4 } from "../../net/ipv4.ts";
import type { Placement } from "../../site/placement.ts";
import type { PlaceTrouble } from "../condition.ts";
import type { Decision, Refusal } from "../event.ts";
import { sharedParts } from "../evidence.ts";
import type { SwitchPort } from "../heard-place.ts";
import type { Machine, MachineId } from "../record.ts";
import { type Context, conditionOf, nameOf, refused, withCondition } from "./move.ts";
import { mergeAnnouncement } from "./takeover.ts";

/** The outcome of a claim: the machine merged with the announcement for that slot, or a refusal with a conflict on the claimant. */
export type SlotClaimOutcome<M extends Machine> =
  | { readonly kind: "claimed"; readonly successor: M; readonly absorbed: readonly MachineId[] }
  | { readonly kind: "refused"; readonly decision: Decision };

/**
 * Decides whether a machine may have a slot: no other machine holds its name or address, and the machine is not installed in,
 * or announced for, another slot. The holder never changes; the claimant gets a conflict that names both.
 */
export function claimSlot<M extends Machine>(machine: M, claim: Placement, context: Context): SlotClaimOutcome<M> {
  const awaited = context.announcedAt(claim);
  const takesOver = awaited !== undefined && awaited.id !== machine.id && awaited.macs.length === 0;
  const found =
    whyElsewhere(machine, claim) ??
    (awaited === undefined || takesOver ? undefined : whyAwaited(machine, claim, awaited)) ??
    whyTaken(machine, claim, context, takesOver ? awaited.id : machine.id);
  if (found !== undefined) {
    const { trouble, ...refusal } = found;
    const reason = `${refusal.message}: ${refusal.next}`;
    const inConflict = withCondition(machine, { kind: "conflict", reason, trouble }, context.nowMs);
    return { kind: "refused", decision: refused(refusal, inConflict) };
  }
  if (!takesOver) return { kind: "claimed", successor: machine, absorbed: [] };
  const successor = mergeAnnouncement(machine, awaited);
  const hold = conditionOf(successor, "hold");
  if (hold === undefined) return { kind: "claimed", successor, absorbed: [awaited.id] };
  const held = { kind: "held", message: `the slot of ${nameOf(awaited)} is on hold: ${hold.reason}` } as const;
  return {
    kind: "refused",
    decision: refused({ ...held, next: `when the reason no longer applies: birther release ${nameOf(awaited)}` }),
  };
}

/** A refusal, and what happened to the machine's place. */
type PlaceRefusal = Refusal & { readonly trouble: PlaceTrouble };

/** An installed machine keeps its name and slot, and an announced machine must appear in the announced slot. */
function whyElsewhere(machine: Machine, claim: Placement): PlaceRefusal | undefined {
  const { hostname, address } = claim;
  const { announced, permanentAddress, placement: before } = machine;
  const here = `${claim.switchName} ${claim.port}, the slot of ${hostname}`;
  if (announced?.hostname !== undefined && announced.hostname !== hostname)
    return {
      ...{ kind: "otherPlace", trouble: "cableMoved" },
      message: `${machine.id}: expected the slot of ${announced.hostname} as announced, found ${here}`,
      next: `connect it to the slot of ${announced.hostname}, or change the announcement: birther set ${nameOf(machine)}`,
    };
  if (announced?.place !== undefined && !isAt(announced.place, claim))
    return {
      ...{ kind: "otherPlace", trouble: "cableMoved" },
      message: `${machine.id}: expected ${announced.place.switchName} ${announced.place.port} as announced, found ${here}`,
      next: `connect it as announced, or withdraw the announcement: birther retire ${nameOf(machine)}`,
    };
  if (permanentAddress === undefined || before === undefined || machine.mayMove === true) return undefined;
  if (isAt(before, claim) || (hostname === machine.hostname && address === permanentAddress)) return undefined;
  const message = `${nameOf(machine)} (${machine.id}): expected ${before.switchName} ${before.port}, where it was installed, found ${here}`;
  const moved = `install it as ${hostname}: birther rebirth ${nameOf(machine)} --moved`;
  if (isRenamed(before, claim))
    return {
      ...{ kind: "otherPlace", trouble: "switchRenamed", message },
      next: `the port is the same: if the switch ${before.switchName} is called ${claim.switchName} now, put a placement rule for the new name first that gives the old slots; if the cable was moved, move it back, or ${moved}`,
    };
  return { ...{ kind: "otherPlace", trouble: "cableMoved", message }, next: `move it back, or ${moved}` };
}

/** Whether a switch port is the same port of a switch with another name. */
export function isRenamed(before: SwitchPort, now: SwitchPort): boolean {
  return before.port === now.port && before.switchName !== now.switchName;
}

function isAt(switchPort: SwitchPort, other: SwitchPort): boolean {
  return switchPort.switchName === other.switchName && switchPort.port === other.port;
}

function whyAwaited(machine: Machine, claim: Placement, awaited: Machine): PlaceRefusal | undefined {
  if (awaited.id === machine.id) return undefined;
  return {
    ...{ kind: "nameTaken", trouble: "slotClaimedTwice" },
    message: `${claim.switchName} ${claim.port}: expected ${nameOf(awaited)} (${awaited.macs.join(" ")}) as announced, found ${machine.id}`,
    next: `check the cabling of both, or withdraw the announcement: birther retire ${nameOf(awaited)}`,
  };
}

/** `mine` is the record whose name and address the machine may take: its own record, or the one that it takes over. */
function whyTaken(machine: Machine, claim: Placement, context: Context, mine: MachineId): PlaceRefusal | undefined {
  const claims = [
    { kind: "nameTaken", thing: `name ${claim.hostname}`, holder: context.nameHolder(claim.hostname) },
    {
      kind: "addressTaken",
      thing: `address ${formatIpv4(claim.address)}`,
      holder: context.addressHolder(claim.address),
    },
  ] as const;
  for (const { kind, thing, holder } of claims) {
    if (holder === undefined || holder.id === machine.id || holder.id === mine) continue;
    const message = `${machine.id}${whereOf(claim)} claims the ${thing}, which ${holder.id}${whereOf(holder.placement)} holds`;
    return { kind, trouble: "slotClaimedTwice", message, next: whatToDo(machine, holder, context) };
  }
  return undefined;
}

/** Common parts suggest a swapped board, or a chassis in the slot of another. */
function whatToDo(machine: Machine, holder: Machine, { machinesWith }: Context): string {
  const check =
    "check the cabling of both and the placement rules (the holder keeps its slot, and the newcomer retries)";
  const shared = sharedParts(machine, holder, machinesWith);
  const succeed = `birther takeover ${machine.id} ${nameOf(holder)}`;
  if (shared.length > 0)
    return `both have ${shared.join(", ")}: if the board of ${nameOf(holder)} was swapped, run ${succeed}; otherwise ${check}`;
  return `${check}; if it replaces ${nameOf(holder)}, run ${succeed}`;
}

function whereOf(switchPort: SwitchPort | undefined): string {
  return switchPort === undefined ? "" : ` (at ${switchPort.switchName} ${switchPort.port})`;
}
