import type { Machine } from "../record.ts";
import { changed, conditionOf, nameOf, refused, type Transition, withCondition, withoutConditions } from "./move.ts";

/**
 * The record of a retired machine: without name, addresses, slot and image; its order and its agent's credential become invalid.
 * Hardware, history and labels stay, and its disks are not touched. The generation stays; the next birth starts a new one.
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

/** An operator retires a machine in any state; if its birth is running, the next report is refused. */
export const retire: Transition<"retired"> = (machine, { by, reason }, context) => {
  if (conditionOf(machine, "retired") !== undefined)
    return refused({
      kind: "wrongState",
      message: `${nameOf(machine)} is already retired`,
      next: `to allow its birth: birther release ${nameOf(machine)}`,
    });
  return changed(giveUp(machine, reason === undefined ? `by ${by}` : `${reason} (${by})`, context.nowMs));
};
