import type { Mac } from "../net/mac.ts";
import type { Decision } from "./event.ts";
import { conflictOf, heldRefusal } from "./life-order.ts";
import {
  type Context,
  changed,
  conditionOf,
  type Move,
  nameOf,
  refused,
  withCondition,
  withoutConditions,
} from "./life-record.ts";
import type { Machine, MachineId } from "./record.ts";

/**
 * The scan tells all NICs: from now on the machine is known whichever of them asks. A record that only a NIC of this
 * machine had left (firmware tries one after the other) is absorbed. A NIC that is another, real machine's identity
 * means that this is that machine booted by a second NIC: it must not be installed under a new name.
 */
export const scanHardware: Move<"hardwareScanned"> = (machine, event, context) => {
  const macs: Mac[] = [...machine.macs];
  const absorbed: MachineId[] = [];
  for (const { mac } of event.hardware.nics) {
    if (macs.includes(mac) || !isUsable(mac)) continue;
    const holder = context.macHolder(mac);
    const isIdentity = holder?.macs[0] === mac;
    if (holder !== undefined && isIdentity && !isGhost(holder)) return sameAs(machine, holder, context);
    // Management controllers' USB NICs carry one MAC on thousands of boards: such a one stays with who had it first.
    if (holder !== undefined && !isIdentity) continue;
    if (holder !== undefined) absorbed.push(holder.id);
    macs.push(mac);
  }
  const { hardware } = event;
  const scanned = { ...machine, macs, hardware, smbios: hardware.smbios, lastSeenAtMs: context.nowMs };
  return absorbed.length === 0 ? changed(scanned) : { kind: "changed", machine: scanned, absorbed };
};

/** Zero, broadcast and multicast addresses name no NIC. */
function isUsable(mac: Mac): boolean {
  return mac !== "00:00:00:00:00:00" && (Number.parseInt(mac.slice(0, 2), 16) & 1) === 0;
}

/** Never had an order taken, never had a name: nothing but PXE requests of one NIC. */
function isGhost(machine: Machine): boolean {
  const neverBorn = machine.state === "unknown" || machine.state === "birth";
  return neverBorn && machine.hostname === undefined && machine.ticket?.taken === undefined;
}

function sameAs(machine: Machine, holder: Machine, context: Context): Decision {
  const message = `${machine.id} has the NIC by which ${nameOf(holder)} (${holder.id}, ${holder.state}) is known`;
  const next = `it is that machine, or its NIC was moved: let ${nameOf(holder)} boot by its own NIC first`;
  return refused(
    { kind: "macTaken", message, next },
    withCondition(machine, "conflict", `${message}: ${next}`, context.nowMs),
  );
}

/** The verdict of the burn-in. A failed one puts the machine into `debug`, a passed one takes it out; a skipped one says nothing. */
export const noteBurnIn: Move<"burnInDone"> = (machine, event, context) => {
  const { report } = event;
  const heard = { ...machine, lastSeenAtMs: context.nowMs };
  if (report.verdict === "skipped") return changed({ ...heard, burnIn: machine.burnIn ?? report });
  const tested = { ...heard, burnIn: report };
  if (report.verdict === "passed") return changed(withoutConditions(tested, "debug"));
  const faults = report.results
    .filter((result) => !result.ok)
    .map((result) => `${result.test} of ${result.subject}: ${result.fault}`);
  return changed(
    withCondition(tested, "debug", `burn-in failed: ${faults.join("; ") || "no test says why"}`, context.nowMs),
  );
};

/**
 * The place is known: the last word before keys and disks go. A hold stops a birth here, even one that had its order
 * before; so does a slot that another machine holds.
 */
export const notePlace: Move<"placed"> = (machine, event, context) => {
  const hold = conditionOf(machine, "hold");
  if (hold !== undefined) return refused(heldRefusal(machine, hold.reason));
  const { placement } = event;
  const conflict = conflictOf(machine, { ...placement, placement }, context);
  if (conflict !== undefined) return conflict;
  return changed(withoutConditions({ ...machine, placement, lastSeenAtMs: context.nowMs }, "conflict"));
};

/** A step failed; the machine retries by itself. */
export const noteFailure: Move<"failed"> = (machine, event, context) =>
  changed(
    withCondition(
      { ...machine, lastSeenAtMs: context.nowMs },
      "failing",
      `${event.step}: ${event.reason}`,
      context.nowMs,
    ),
  );
