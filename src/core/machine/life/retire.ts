import type { Machine } from "../record.ts";
import { changed, conditionOf, nameOf, refused, type Transition, withCondition, withoutConditions } from "./move.ts";

/**
 * The record of a machine that is given up: without name, addresses, place and image; no order and no sub's credential of it counts.
 * What it is (hardware, history, labels) stays, and nothing on it is wiped. The generation stays: the next birth makes a new one.
 */
export function giveUp(machine: Machine, reason: string, nowMs: number): Machine {
  const { hostname: _name, permanentAddress: _ours, temporaryAddress: _pool, placement: _place, ...unplaced } = machine;
  const {
    order: _order,
    subTokenHash: _credential,
    wayBack: _back,
    mayMove: _moved,
    mayWipe: _wipe,
    birthDisk: _disk,
    allowedDisk: _allowed,
    ...unsaid
  } = unplaced;
  const { requiredImage: _image, pinnedImage: _pinned, plannedImage: _planned, runningImage: _runs, ...bare } = unsaid;
  const {
    phase: _seen,
    phaseAtMs: _at,
    unheardBoots: _boots,
    announced: _awaited,
    disableUpdates: _left,
    ...kept
  } = bare;
  const quiet = withoutConditions(kept, "failing", "conflict", "waiting");
  return withCondition({ ...quiet, state: "unknown" }, { kind: "retired", reason }, nowMs);
}

/** An operator gives a machine up, whatever it is doing; of a birth that runs the next report is refused. */
export const retire: Transition<"retired"> = (machine, { by, reason }, context) => {
  if (conditionOf(machine, "retired") !== undefined)
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} is retired already`,
      next: `to let it be born again: birther release ${nameOf(machine)}`,
    });
  return changed(giveUp(machine, reason === undefined ? `by ${by}` : `${reason} (${by})`, context.nowMs));
};
