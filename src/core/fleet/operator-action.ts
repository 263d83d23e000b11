import type { MachineEvent } from "../machine/event.ts";
import { conditionOf } from "../machine/life/move.ts";
import { whatCleanLeaves } from "../machine/not-erased.ts";
import type { Machine } from "../machine/record.ts";

/** What an operator may have done to one machine or to many at once. */
export type OperatorAction =
  /** `mayMove`: at another place than now, by another name. `override`: beyond the blast radius. */
  /** `newRootDisk`: another root disk than the recorded one is allowed, the one that `selector` names or any.  `restart`: also while one is running. */
  | {
      readonly action: "rebirth";
      readonly mayMove?: true | undefined;
      readonly newRootDisk?: { readonly selector?: string | undefined } | undefined;
      readonly restart?: true | undefined;
      readonly override?: boolean | undefined;
    }
  | { readonly action: "clean"; readonly restart?: true | undefined; readonly override?: boolean | undefined }
  | { readonly action: "cancel" }
  | { readonly action: "hold"; readonly reason: string }
  /** `wipe`: its first birth may erase what was found on the disks. */
  | { readonly action: "release"; readonly wipe?: true | undefined }
  | { readonly action: "retire"; readonly reason?: string | undefined };
export type ActionName = OperatorAction["action"];

/** Whether an action takes machines from their work, and is therefore bounded (blast-radius.ts). */
export function sendsAway(
  action: OperatorAction,
): action is Extract<OperatorAction, { readonly override?: boolean | undefined }> {
  return action.action === "rebirth" || action.action === "clean";
}

/** The event that the life of a machine is asked to decide on. */
export function eventOfAction(action: OperatorAction, machine: Machine, by: string): MachineEvent {
  const { id } = machine;
  switch (action.action) {
    case "rebirth":
      return {
        kind: "rebirthAsked",
        id,
        by,
        ...insisting(action),
        ...(action.mayMove === true ? { mayMove: true } : {}),
        ...(action.newRootDisk === undefined ? {} : { newRootDisk: selected(action.newRootDisk) }),
      };
    case "clean":
      return { kind: "cleanAsked", id, by, ...insisting(action) };
    case "cancel":
      return { kind: "rebirthCancelled", id, by };
    case "hold":
      return { kind: "conditionSet", id, condition: "hold", reason: `${action.reason} (${by})` };
    case "release": {
      // One at a time: a retired machine may be on hold as well.
      const held = conditionOf(machine, "hold") !== undefined;
      const retired = !held && conditionOf(machine, "retired") !== undefined;
      const wipe = action.wipe === true ? { wipeBy: by } : {};
      return { kind: "conditionCleared", id, condition: retired ? "retired" : "hold", ...wipe };
    }
    case "retire":
      return { kind: "retired", id, by, ...(action.reason === undefined ? {} : { reason: action.reason }) };
  }
}

function selected({ selector }: { readonly selector?: string | undefined }) {
  return selector === undefined ? {} : { selector };
}

function insisting(asked: { readonly override?: boolean | undefined; readonly restart?: true | undefined }) {
  const { override, restart } = asked;
  return {
    ...(override === true ? ({ override } as const) : {}),
    ...(restart === true ? ({ restart } as const) : {}),
  };
}

/** What of a machine's data an erasing action leaves, one clause each. */
export function leftBy(action: OperatorAction, machine: Machine): readonly string[] {
  return action.action === "clean" ? whatCleanLeaves(machine) : [];
}
