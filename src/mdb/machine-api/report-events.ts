import type { ReportItem } from "../../contract/machine-facing.ts";
import type { MachineEvent } from "../../core/machine/event.ts";
import type { MachineId } from "../../core/machine/record.ts";
import type { Network } from "../../core/network/network.ts";

/** What a thing that init tells means in the machine's life. */
export function eventsOf(
  id: MachineId,
  item: Exclude<ReportItem, { kind: "log" }>,
  { freshRack }: Pick<Network, "freshRack">,
): MachineEvent[] {
  switch (item.kind) {
    case "phase": {
      const { kind: _kind, ...seen } = item;
      return [{ kind: "phaseSeen", id, ...seen }];
    }
    case "hardware":
      return [{ kind: "hardwareScanned", id, hardware: item.hardware, ...(freshRack ? { freshRack } : {}) }];
    case "burnIn":
      return [{ kind: "burnInDone", id, report: item.report }];
    case "placed":
      return [{ ...item, id }];
    case "failed":
      return [{ kind: "failed", id, step: item.step, reason: item.reason }];
  }
}
