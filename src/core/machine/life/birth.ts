import { foreignContents } from "../../hardware/disk-contents.ts";
import { type DiskIdentity, describeDisk, isSameDisk } from "../../hardware/disk-identity.ts";
import type { Hardware, Nic } from "../../hardware/hardware.ts";
import { isFixed } from "../../hardware/suitable-disk.ts";
import { mostDataDisks } from "../../install/layout-profile.ts";
import type { Mac } from "../../net/mac.ts";
import type { Decision } from "../event.ts";
import type { Machine, MachineId, MachineIn, Suspect } from "../record.ts";
import type { BirthAction } from "../state.ts";
import { describeSuspect } from "../suspect.ts";
import { macLimit } from "./details.ts";
import {
  type Context,
  changed,
  conditionOf,
  isDisputed,
  nameOf,
  refused,
  type Transition,
  withCondition,
  withoutConditions,
} from "./move.ts";
import { heldRefusal } from "./order.ts";
import { claimSlot, isRenamed } from "./place.ts";
import { mergeAnnouncement } from "./takeover.ts";

/**
 * The scan lists all NICs: from now on the machine is recognised by each of them. A record that came from one NIC of this
 * machine (firmware tries one NIC after the other) is absorbed. A NIC that is the identity of another, real machine means
 * that this is that machine, booted from a second NIC: it must not be installed under a new name.
 */
export const scanHardware: Transition<"hardwareScanned", BirthAction> = (machine, event, context) => {
  const { hardware } = event;
  const macs: Mac[] = [...machine.macs];
  const absorbed = new Map<MachineId, Machine>();
  const disputed = new Map<MachineId, Machine>();
  for (const nic of hardware.nics) {
    const { mac } = nic;
    if (macs.includes(mac) || !isUsable(mac)) continue;
    const holder = context.macHolder(mac);
    if (holder === undefined) {
      if (!isOnUsb(nic)) macs.push(mac);
    } else if (isGhost(holder)) {
      absorbed.set(holder.id, holder);
      macs.push(mac);
    } else if (isOnUsb(nic)) {
      // USB NICs identify no machine: management controllers share one MAC on thousands of boards, and adapters move.
    } else if (holder.macs[0] === mac) {
      return sameAs(machine, holder, context);
    } else {
      const known = disputed.get(holder.id) ?? holder;
      if (!isDisputed(known, mac))
        disputed.set(holder.id, { ...known, disputedMacs: [...(known.disputedMacs ?? []), mac] });
    }
  }
  const named = [machine, ...absorbed.values()].filter(({ hostname }) => hostname !== undefined);
  const [first, second] = named;
  if (first !== undefined && second !== undefined) return sameAs(machine, second, context);
  const successor = [...absorbed.values()].reduce(mergeAnnouncement, machine);
  const found = event.freshRack === true ? [] : dataFound(successor, hardware);
  if (found.length > 0) return holdForData(withScan(successor, hardware), found, context);
  const scanned = {
    ...successor,
    macs: macs.slice(0, macLimit),
    hardware,
    smbios: hardware.smbios,
    lastSeenAtMs: context.nowMs,
  };
  return {
    ...{ kind: "changed", machine: scanned },
    ...(absorbed.size === 0 ? {} : { absorbed: [...absorbed.keys()] }),
    ...(disputed.size === 0 ? {} : { others: [...disputed.values()] }),
  };
};

/**
 * The data that a first birth would put at risk: disks with data in a known format. Empty once an operator allowed the wipe,
 * and for a machine that was born before, whose record distinguishes its disks. Once the slot was accepted, only disks that were
 * not there at the scan before count: data on the others comes from this birth.
 */
function dataFound(machine: Machine, hardware: Hardware): readonly string[] {
  const { state, storage, mayWipe, birthDisk } = machine;
  if (state !== "birth" || storage !== undefined || mayWipe !== undefined) return [];
  const known = birthDisk === undefined ? [] : [birthDisk, ...(machine.hardware?.disks ?? [])];
  const isNew = (disk: DiskIdentity) => !known.some((one) => isSameDisk(one, disk));
  return hardware.disks
    .filter((disk) => isFixed(disk) && isNew(disk))
    .flatMap((disk) => {
      const foreign = foreignContents(disk.contents ?? []);
      return foreign.length === 0 ? [] : [`${disk.path} (${describeDisk(disk)}) holds ${foreign.join(", ")}`];
    });
}

/** Once disks are written to, the scan of that time stays: it tells a disk that came later from them. */
function withScan(machine: Machine, hardware: Hardware): Machine {
  const { smbios } = hardware;
  return machine.state === "birth" && machine.birthDisk !== undefined
    ? { ...machine, smbios }
    : { ...machine, hardware, smbios };
}

function holdForData(machine: Machine, found: readonly string[], context: Context): Decision {
  const name = nameOf(machine);
  const message = `${name}: expected empty disks for a first birth, found data: ${found.join("; ")}`;
  const next = `to let its birth erase the root disk: birther release ${name} --wipe; to allow that for a whole network: freshRack: true`;
  const reason = `disks hold data: ${found.join("; ")}. ${next}`;
  const seen = { ...machine, lastSeenAtMs: context.nowMs };
  return refused({ kind: "held", message, next }, withCondition(seen, { kind: "hold", reason }, context.nowMs));
}

/** Linux includes the bus in the device path: `…/usb1/1-4/…`. */
function isOnUsb({ path }: Nic): boolean {
  return /(^|\/)usb\d/.test(path);
}

/** Zero, broadcast and multicast addresses identify no NIC. */
function isUsable(mac: Mac): boolean {
  return mac !== "00:00:00:00:00:00" && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0;
}

/** Whether a record is only a trace of one NIC or an announcement: no order taken, never installed, not retired. */
function isGhost(machine: Machine): boolean {
  const neverBorn = machine.state === "unknown" || machine.state === "birth";
  const retired = conditionOf(machine, "retired") !== undefined;
  return neverBorn && !retired && machine.storage === undefined && machine.order?.taken === undefined;
}

function sameAs(machine: Machine, holder: Machine, context: Context): Decision {
  const message = `${machine.id} has the NIC that identifies ${nameOf(holder)} (${holder.id}, ${holder.state})`;
  const next =
    conditionOf(holder, "retired") === undefined
      ? `if both are one machine, boot it from the NIC of ${nameOf(holder)}; if the NIC was moved, boot ${nameOf(holder)} from its own NIC first`
      : `if both are one machine: birther release ${nameOf(holder)}; if the NIC was moved: birther takeover ${machine.id} ${holder.id}`;
  return refused(
    { kind: "macTaken", message, next },
    withCondition(machine, { kind: "conflict", reason: `${message}: ${next}`, trouble: "nicMoved" }, context.nowMs),
  );
}

/**
 * Records the burn-in report. A failed burn-in sets *debug*, a passed one clears it, a skipped one changes neither. Where
 * the configuration holds suspects, one that the record does not have yet holds the machine: what an operator has
 * released is known, and does not hold it again.
 */
export const noteBurnIn: Transition<"burnInDone"> = (machine, event, context) => {
  const { report, suspects = [] } = event;
  const { suspects: known = [], ...others } = machine;
  const seen = { ...others, lastSeenAtMs: context.nowMs } as typeof machine;
  if (report.verdict === "skipped")
    return changed({ ...machine, lastSeenAtMs: context.nowMs, burnIn: machine.burnIn ?? report });
  const tested = { ...seen, burnIn: report, ...(suspects.length === 0 ? {} : { suspects }) };
  if (report.verdict === "failed") {
    const faults = report.results
      .filter((result) => !result.ok)
      .map((result) => `${result.test} of ${result.subject}: ${result.fault}`);
    const reason = `burn-in failed: ${faults.join("; ") || "no test reports a fault"}`;
    return changed(withCondition(tested, { kind: "debug", reason }, context.nowMs));
  }
  const passed = withoutConditions(tested, "debug");
  const fresh = event.holdSuspects ? suspects.filter((one) => !known.some((other) => isSameFigure(one, other))) : [];
  return fresh.length === 0 ? changed(passed) : holdForSuspects(passed, fresh, context);
};

function isSameFigure(a: Suspect, b: Suspect): boolean {
  return a.test === b.test && a.subject === b.subject && a.figure === b.figure;
}

function holdForSuspects(machine: Machine, suspects: readonly Suspect[], context: Context): Decision {
  const name = nameOf(machine);
  const reason = `suspect: ${suspects.map(describeSuspect).join("; ")}`;
  const next = `repair it, or accept it: birther release ${name}; all figures: birther burnin ${name}`;
  const held = withCondition(machine, { kind: "hold", reason: `${reason}. ${next}` }, context.nowMs);
  return refused({ kind: "held", message: `${name} is ${reason}`, next }, held);
}

/**
 * The slot is known: the last check before keys and disks are erased. A hold stops the birth here even if its order was
 * taken; so does a slot that another machine holds.
 */
export const recordPlace: Transition<"placed", BirthAction> = (machine, event, context) => {
  const hold = conditionOf(machine, "hold");
  if (hold !== undefined) return refused(heldRefusal(machine, hold.reason));
  const { placement, rootDisk, dataDisks } = event;
  const claim = claimSlot(machine, placement, context);
  if (claim.kind === "refused") return claim.decision;
  const { successor } = claim;
  const seen = { ...successor, placement, lastSeenAtMs: context.nowMs };
  const placed = withoutConditions(
    rootDisk === undefined ? seen : withChosenDisks(seen, rootDisk, dataDisks),
    "conflict",
  );
  return claim.absorbed.length === 0 ? changed(placed) : { kind: "changed", machine: placed, absorbed: claim.absorbed };
};

/** The record with the disks that are written to from now on. A permission to erase is spent with the root disk. */
function withChosenDisks(
  machine: MachineIn<BirthAction>,
  rootDisk: DiskIdentity,
  chosen: readonly DiskIdentity[] = [],
): MachineIn<BirthAction> {
  // What an earlier attempt of this generation chose may be half erased, and is this machine's.
  const before = machine.birthDisk?.dataDisks ?? [];
  const dataDisks = [...chosen, ...before.filter((disk) => !chosen.some((one) => isSameDisk(one, disk)))];
  const birthDisk = dataDisks.length === 0 ? rootDisk : { ...rootDisk, dataDisks: dataDisks.slice(0, mostDataDisks) };
  if (machine.state !== "birth") return { ...machine, birthDisk };
  const { mayWipe: _spent, ...kept } = machine;
  return { ...kept, birthDisk };
}

/** All LLDP neighbours stand on the record, whether or not a rule matches one. */
export const noteNeighbours: Transition<"neighboursSeen", BirthAction> = (
  machine,
  { neighbours, heard },
  { nowMs },
) => {
  const { heard: _before, ...kept } = machine;
  return changed({ ...kept, neighbours, lastSeenAtMs: nowMs, ...(heard === undefined ? {} : { heard }) } as Machine);
};

/** The sentence about a machine that was installed at a port of which only the switch's name is new; no rule matches that. */
function renamedSwitch({ placement, heard, neighbours = [] }: Machine): string | undefined {
  if (placement === undefined || heard?.kind !== "unplaced") return undefined;
  const now = neighbours.find((neighbour) => isRenamed(placement, neighbour));
  if (now === undefined) return undefined;
  return `it was placed at ${placement.switchName} ${placement.port} before, and now hears ${now.switchName} ${now.port}`;
}

/** A step failed; the machine retries automatically, and is no longer failing once it gets past this phase. */
export const noteFailure: Transition<"failed"> = (machine, event, context) => {
  const { phase, order } = machine;
  // Only a rebirth helps a machine whose root cannot be opened again; its first image is not in place, so nothing is lost.
  const toResume = machine.state === "healthy" && order?.taken !== undefined && order.action === "resume";
  const seen = { ...machine, lastSeenAtMs: context.nowMs };
  const reason = `${event.step}: ${event.reason}`;
  if (event.conflict) return changed(withCondition(seen, { kind: "conflict", reason }, context.nowMs));
  const renamed = renamedSwitch(machine);
  const condition = {
    kind: "failing",
    reason: renamed === undefined ? reason : `${reason}; ${renamed}`,
    ...(renamed === undefined ? {} : { trouble: "switchRenamed" as const }),
    ...(toResume ? { remedy: "rebirth" as const } : {}),
    ...(phase === undefined ? {} : { failedIn: phase }),
    ...(event.image === undefined ? {} : { image: event.image }),
  } as const;
  return changed(withCondition(seen, condition, context.nowMs));
};
