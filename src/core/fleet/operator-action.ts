import type { MachineEvent } from "../machine/event.ts";
import { conditionOf } from "../machine/life/move.ts";
import { whatCleanLeaves } from "../machine/not-erased.ts";
import type { Machine } from "../machine/record.ts";

/** What an operator may have done to one machine or to many at once. */
export type Deed =
  /** `mayMove`: at another place than now, by another name. `override`: beyond the blast radius. */
  | { readonly action: "rebirth"; readonly mayMove?: true | undefined; readonly override?: boolean | undefined }
  | { readonly action: "clean"; readonly override?: boolean | undefined }
  | { readonly action: "cancel" }
  | { readonly action: "hold"; readonly reason: string }
  | { readonly action: "release" }
  | { readonly action: "retire"; readonly reason?: string | undefined };
export type Action = Deed["action"];

/** Whether a deed takes machines from their work, and is therefore bounded (blast-radius.ts). */
export function sendsAway(deed: Deed): deed is Extract<Deed, { readonly override?: boolean | undefined }> {
  return deed.action === "rebirth" || deed.action === "clean";
}

/** The event that the life of a machine is asked to decide on. */
export function eventOfDeed(deed: Deed, machine: Machine, by: string): MachineEvent {
  const { id } = machine;
  switch (deed.action) {
    case "rebirth":
      return { kind: "rebirthAsked", id, by, ...overriding(deed), ...(deed.mayMove === true ? { mayMove: true } : {}) };
    case "clean":
      return { kind: "cleanAsked", id, by, ...overriding(deed) };
    case "cancel":
      return { kind: "rebirthCancelled", id, by };
    case "hold":
      return { kind: "conditionSet", id, condition: "hold", reason: `${deed.reason} (${by})` };
    case "release": {
      // One at a time: a retired machine may be on hold as well.
      const held = conditionOf(machine, "hold") !== undefined;
      const retired = !held && conditionOf(machine, "retired") !== undefined;
      return { kind: "conditionCleared", id, condition: retired ? "retired" : "hold" };
    }
    case "retire":
      return { kind: "retired", id, by, ...(deed.reason === undefined ? {} : { reason: deed.reason }) };
  }
}

function overriding({ override }: { readonly override?: boolean | undefined }) {
  return override === true ? ({ override } as const) : {};
}

/** What of a machine's data a deed that is meant to erase does not, one clause each. */
export function leftBy(deed: Deed, machine: Machine): readonly string[] {
  return deed.action === "clean" ? whatCleanLeaves(machine) : [];
}
