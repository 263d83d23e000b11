import type { Directive } from "../../core/image/update/directive.ts";
import type { MachineId } from "../../core/machine/record.ts";

/** Large bodies that are read and parsed at once: each costs several times its size of memory while it is. */
const largeLimit = 4;

/** May this machine send a large body now? `room` has to be disposed when it is dealt with. */
export type ReportSlot =
  | { readonly kind: "room"; readonly room: Disposable }
  | { readonly kind: "notAsked" }
  | { readonly kind: "busy" };

/** Who was told to report its tree, and how many do so at the moment. */
export type ReportSlots = {
  readonly isAsked: (id: MachineId) => boolean;
  /** The machine was told this: a report asks for its tree, and what is fetched for is reported again. */
  readonly notified: (id: MachineId, directive: Directive) => void;
  readonly admit: (id: MachineId) => ReportSlot;
};

/** A gate at which nobody was asked yet. A machine may send one large body at a time. */
export function openReportSlots(limit: number = largeLimit): ReportSlots {
  const asked = new Set<MachineId>();
  const sending = new Set<MachineId>();
  return {
    isAsked: (id) => asked.has(id),
    notified: (id, { kind }) => {
      if (kind === "report" || kind === "fetch") asked.add(id);
      else asked.delete(id);
    },
    admit: (id) => {
      if (!asked.has(id)) return { kind: "notAsked" };
      if (sending.size >= limit || sending.has(id)) return { kind: "busy" };
      sending.add(id);
      return { kind: "room", room: { [Symbol.dispose]: () => void sending.delete(id) } };
    },
  };
}
