import type { Directive } from "../../core/image/update/directive.ts";
import type { MachineId } from "../../core/machine/record.ts";
import { askForSlot, endSlot, newFairSlots } from "../../core/network/fair-slots.ts";
import type { Clock } from "../../core/ports.ts";

/** Large bodies that are read and parsed at once: each needs several times its size of memory. */
const largeLimit = 4;

/** Reserves a slot for a large body of this machine. `room` has to be disposed when the body is processed. */
export type ReportSlot =
  | { readonly kind: "room"; readonly room: Disposable }
  | { readonly kind: "notRequested" }
  | { readonly kind: "busy"; readonly retryAfterSeconds: number };

/** Which subs have the directive to report their tree, and how many are reporting. */
export type ReportSlots = {
  readonly isRequested: (id: MachineId) => boolean;
  /** Records a directive: a report requests the tree, and after a fetch the tree is reported again. */
  readonly notified: (id: MachineId, directive: Pick<Directive, "kind">) => void;
  readonly admit: (machine: { readonly id: MachineId; readonly network?: string }) => ReportSlot;
};

/** No reports yet. A machine may send one large body at a time, and waits behind those that have sent less. */
export function openReportSlots({ monotonicMs }: Pick<Clock, "monotonicMs">, limit: number = largeLimit): ReportSlots {
  const requested = new Set<MachineId>();
  const slots = newFairSlots(limit);
  return {
    isRequested: (id) => requested.has(id),
    notified: (id, { kind }) => {
      if (kind === "report" || kind === "fetch") requested.add(id);
      else requested.delete(id);
    },
    admit: ({ id, network = "" }) => {
      if (!requested.has(id)) return { kind: "notRequested" };
      const answer = askForSlot(slots, { id, network, nowMs: monotonicMs() });
      if (answer.kind === "wait") return { kind: "busy", retryAfterSeconds: answer.retryAfterSeconds };
      return { kind: "room", room: { [Symbol.dispose]: () => endSlot(slots, id, monotonicMs()) } };
    },
  };
}
