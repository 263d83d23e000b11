import type { EraseWish, SanitizeWish } from "../erasure/erase-wish.ts";
import type { MachineEvent } from "../machine/event.ts";
import { conditionOf } from "../machine/life/move.ts";
import { otherDisks, whatCleanErases, whatCleanLeaves } from "../machine/not-erased.ts";
import type { Machine } from "../machine/record.ts";
import { usualPace } from "./reboot-pace.ts";

/** How many machines may restart at the same time. */
type RebootLimits = { readonly [K in keyof typeof usualPace]: number | undefined };

/** An action that an operator can perform on one or many machines. */
export type OperatorAction =
  /**
   * `mayMove`: allow another slot and so another name. `override`: exceed the blast radius. `newRootDisk`: allow a root disk
   * other than the recorded one: the disk that `selector` names, or any disk. `restart`: also while one is running.
   */
  | {
      readonly action: "rebirth";
      readonly mayMove?: true | undefined;
      readonly newRootDisk?: { readonly selector?: string | undefined } | undefined;
      readonly restart?: true | undefined;
      readonly override?: boolean | undefined;
      /** The agent restarts it, when its turn comes. */
      readonly reboot?: Partial<RebootLimits> | undefined;
    }
  /** `sanitize`: the disks erase themselves. `allDisks`: with the root disk all others that stay in the machine. */
  | {
      readonly action: "clean";
      readonly sanitize?: SanitizeWish | undefined;
      readonly allDisks?: true | undefined;
      readonly restart?: true | undefined;
      readonly override?: boolean | undefined;
    }
  | ({ readonly action: "reboot" } & Partial<RebootLimits>)
  | { readonly action: "cancel" }
  | { readonly action: "hold"; readonly reason: string }
  /** `wipe`: allow a first birth to erase data found on the disks. `acceptTpm`: trust the next TPM that the machine proves. */
  | {
      readonly action: "release";
      readonly wipe?: true | undefined;
      readonly acceptTpm?: true | undefined;
      /** Allow one recovery of the sealed disk key, and nothing else. */
      readonly recover?: true | undefined;
    }
  | { readonly action: "retire"; readonly reason?: string | undefined };
/** The name of an action. */
export type ActionName = OperatorAction["action"];

/** Whether an action takes machines out of service, which blast-radius.ts limits. */
export function sendsAway(
  action: OperatorAction,
): action is Extract<OperatorAction, { readonly override?: boolean | undefined }> {
  return action.action === "rebirth" || action.action === "clean";
}

/** The event of an action on a machine. */
export function eventOfAction(action: OperatorAction, machine: Machine, by: string): MachineEvent {
  const { id } = machine;
  switch (action.action) {
    case "rebirth":
      return {
        kind: "rebirthAsked",
        id,
        by,
        ...overrides(action),
        ...(action.mayMove === true ? { mayMove: true } : {}),
        ...(action.reboot === undefined ? {} : { reboot: paceOf(action.reboot) }),
        ...(action.newRootDisk === undefined ? {} : { newRootDisk: selected(action.newRootDisk) }),
      };
    case "clean":
      return {
        ...{ kind: "cleanAsked", id, by, ...overrides(action) },
        ...(action.sanitize === undefined ? {} : { sanitize: action.sanitize }),
        ...(action.allDisks === true ? { allDisks: true } : {}),
      };
    case "reboot":
      return { kind: "rebootAsked", id, by, ...paceOf(action) };
    case "cancel":
      return { kind: "rebirthCancelled", id, by };
    case "hold":
      return { kind: "conditionSet", id, condition: "hold", reason: `${action.reason} (${by})` };
    case "release": {
      if (action.recover === true) return { kind: "recoveryAllowed", id, by };
      // A retired machine may also be on hold; the hold ends first.
      const held = conditionOf(machine, "hold") !== undefined;
      const retired = !held && conditionOf(machine, "retired") !== undefined;
      const wipe = action.wipe === true ? { wipeBy: by } : {};
      const newTpm = action.acceptTpm === true ? { newTpmBy: by } : {};
      return { kind: "conditionCleared", id, condition: retired ? "retired" : "hold", ...wipe, ...newTpm };
    }
    case "retire":
      return { kind: "retired", id, by, ...(action.reason === undefined ? {} : { reason: action.reason }) };
  }
}

function paceOf({ atOnce = usualPace.atOnce, perRack = usualPace.perRack }: Partial<RebootLimits>) {
  return { atOnce, perRack };
}

function selected({ selector }: { readonly selector?: string | undefined }) {
  return selector === undefined ? {} : { selector };
}

function overrides(given: { readonly override?: boolean | undefined; readonly restart?: true | undefined }) {
  const { override, restart } = given;
  return {
    ...(override === true ? ({ override } as const) : {}),
    ...(restart === true ? ({ restart } as const) : {}),
  };
}

/** The data that an erasing action leaves readable, one clause per item. */
export function leftBy(action: OperatorAction, machine: Machine): readonly string[] {
  return action.action === "clean" ? whatCleanLeaves(machine, wishOf(action, machine)) : [];
}

/** The disks that an action erases, one per item. */
export function erasedBy(action: OperatorAction, machine: Machine): readonly string[] {
  return action.action === "clean" ? whatCleanErases(machine, wishOf(action, machine)) : [];
}

function wishOf({ sanitize, allDisks }: Extract<OperatorAction, { action: "clean" }>, machine: Machine): EraseWish {
  return {
    ...(sanitize === undefined ? {} : { sanitize }),
    ...(allDisks === true ? { disks: otherDisks(machine) } : {}),
  };
}
