import { formatIpv4 } from "../../net/ipv4.ts";
import { hasVanished } from "../temporary-address.ts";
import { changed, nameOf, refused, type Transition, withCondition } from "./move.ts";

/**
 * The machine declined an address because another host uses it. A temporary address is removed from its record, so that it
 * gets another; its permanent address is right, so an operator must find the other host.
 */
export const noteDecline: Transition<"addressDeclined"> = (machine, event, context) => {
  if (event.address === machine.temporaryAddress) {
    const { temporaryAddress: _declined, ...kept } = machine;
    return changed(kept);
  }
  if (event.address !== machine.permanentAddress) return changed(machine);
  const address = formatIpv4(event.address);
  const reason = `another host uses ${address}, the permanent address of ${nameOf(machine)}: find it with arping ${address}`;
  return changed(withCondition(machine, { kind: "conflict", reason }, context.nowMs));
};

/** Returns the temporary address of a machine that has vanished to the exhausted pool. */
export const returnAddress: Transition<"addressReturned"> = (machine, event, context) => {
  if (event.address !== machine.temporaryAddress || !hasVanished(machine, context.nowMs)) {
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} keeps ${machine.temporaryAddress === undefined ? "no temporary address" : formatIpv4(machine.temporaryAddress)}: it sent a request recently`,
      next: "no action is needed",
    });
  }
  const { temporaryAddress: _returned, ...kept } = machine;
  return changed(kept);
};
