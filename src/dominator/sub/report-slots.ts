import type { Directive } from "../../core/image/update/directive.ts";
import type { MachineId } from "../../core/machine/record.ts";

/** Large bodies that are read and parsed at once: each needs several times its size of memory. */
const largeLimit = 4;

/** Reserves a slot for a large body of this machine. `room` has to be disposed when the body is processed. */
export type ReportSlot =
  | { readonly kind: "room"; readonly room: Disposable }
  | { readonly kind: "notRequested" }
  | { readonly kind: "busy" };

/** Which subs have the directive to report their tree, and how many are reporting. */
export type ReportSlots = {
  readonly isRequested: (id: MachineId) => boolean;
  /** Records a directive: a report requests the tree, and after a fetch the tree is reported again. */
  readonly notified: (id: MachineId, directive: Pick<Directive, "kind">) => void;
  readonly admit: (id: MachineId) => ReportSlot;
};

/** No reports yet. A machine may send one large body at a time. */
export function openReportSlots(limit: number = largeLimit): ReportSlots {
  const requested = new Set<MachineId>();
  const sending = new Set<MachineId>();
  return {
    isRequested: (id) => requested.has(id),
    notified: (id, { kind }) => {
      if (kind === "report" || kind === "fetch") requested.add(id);
      else requested.delete(id);
    },
    admit: (id) => {
      if (!requested.has(id)) return { kind: "notRequested" };
      if (sending.size >= limit || sending.has(id)) return { kind: "busy" };
      sending.add(id);
      return { kind: "room", room: { [Symbol.dispose]: () => void sending.delete(id) } };
    },
  };
}
