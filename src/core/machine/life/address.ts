import { hasVanished } from "../temporary-address.ts";
import { changed, nameOf, refused, type Transition, withCondition } from "./move.ts";

/**
 * The machine found another host at an address we gave it. A temporary one is taken off its record, so that it gets
 * another; its permanent one is where it belongs, so that an operator has to find the intruder.
 */
export const noteDecline: Transition<"addressDeclined"> = (machine, event, context) => {
  if (event.address === machine.temporaryAddress) {
    const { temporaryAddress: _declined, ...kept } = machine;
    return changed(kept);
  }
  if (event.address !== machine.permanentAddress) return changed(machine);
  const reason = `another host uses ${event.address}, the permanent address of ${nameOf(machine)}; find it: arping ${event.address}`;
  return changed(withCondition(machine, { kind: "conflict", reason }, context.nowMs));
};

/** The pool wants the temporary address of a machine that has not been heard of for long. */
export const returnAddress: Transition<"addressReturned"> = (machine, event, context) => {
  if (event.address !== machine.temporaryAddress || !hasVanished(machine, context.nowMs)) {
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} keeps ${machine.temporaryAddress ?? "no temporary address"}`,
      next: "nothing: it was heard of again",
    });
  }
  const { temporaryAddress: _returned, ...kept } = machine;
  return changed(kept);
};
