import type { ReportItem } from "../../contract/machine-facing.ts";
import type { MachineEvent, OfOrder } from "../../core/machine/event.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Network } from "../../core/network/network.ts";

/** Who reports: the machine, the order that its session belongs to, and its network. */
export type Reporter = {
  readonly id: MachineId;
  readonly order: NonNullable<OfOrder["order"]>;
  readonly network: Pick<Network, "freshRack">;
};

/** The event of the machine's life cycle that an item of init's report means. */
export function eventOf(item: Exclude<ReportItem, { kind: "log" }>, { id, order, network }: Reporter): MachineEvent {
  switch (item.kind) {
    case "phase":
      return { ...item, kind: "phaseSeen", id, order };
    case "hardware": {
      const { freshRack } = network;
      return { ...item, kind: "hardwareScanned", id, order, ...(freshRack ? { freshRack } : {}) };
    }
    case "burnIn":
      return { kind: "burnInDone", id, order, report: item.report };
    case "neighbours":
      return { ...item, kind: "neighboursSeen", id, order };
    case "placed":
    case "failed":
      return { ...item, id, order };
  }
}
